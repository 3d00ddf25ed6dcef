"""When each client was last heard, gathered in memory and written behind in bulk.

A poll must not cost a write. What is lost when the process dies is a few seconds of "last seen",
which the next poll of each device puts right.
"""

import threading
from datetime import datetime

from django.db import transaction

from devices.models import Client

_CHUNK = 500
_lock = threading.Lock()
_seen: dict[int, datetime] = {}
_expiries: dict[int, datetime] = {}


def seen(client_pk: int, now: datetime, *, svid_not_after: datetime | None = None) -> None:
    """Remember that a client was heard at `now`, and the end of its certificate if that is new."""
    with _lock:
        _seen[client_pk] = now
        if svid_not_after is not None:
            _expiries[client_pk] = svid_not_after


def flush() -> int:
    """Write what was gathered since the last flush; return the number of clients written.

    When the database is away its error is raised, and what was gathered is kept for the next try.
    """
    with _lock:
        times, ends = dict(_seen), dict(_expiries)
        _seen.clear()
        _expiries.clear()
    try:
        _write("last_seen_at", times)
        _write("svid_not_after", ends)
    except BaseException:
        _put_back(times, ends)
        raise
    return len(times)


def _write(field: str, values: dict[int, datetime]) -> None:
    rows = [Client(pk=pk, **{field: value}) for pk, value in sorted(values.items())]
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        with transaction.atomic():
            # Locked in the order of the keys, as whoever else locks several clients does, so
            # that they wait for each other instead of blocking each other.
            locked = Client.objects.filter(pk__in=[row.pk for row in chunk]).order_by("pk")
            list(locked.select_for_update(no_key=True).values_list("pk", flat=True))
            Client.objects.bulk_update(chunk, [field])


def _put_back(times: dict[int, datetime], ends: dict[int, datetime]) -> None:
    with _lock:
        for pk, time in times.items():
            _seen.setdefault(pk, time)
        for pk, end in ends.items():
            _expiries.setdefault(pk, end)
