"""Two at the same moment: threads with connections of their own, held at chosen places."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Event

import pytest
from django.db import connection, connections
from django.db.models import QuerySet

from deployments.models import Revision

#: How long one waits for the other in the middle of its work; where a lock keeps the other out,
#: it waits in vain and goes on.
PATIENCE_SECONDS = 1.0
#: The same where nothing keeps the other out, however slow the machine is.
UNTIL_DONE_SECONDS = 30.0

Action = Callable[[], object]


def at_once(*actions: Action) -> list[object]:
    """Does these at the same time; answers what each gave, or the error it raised."""

    def do(action: Action) -> object:
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as threads:
        doings = [threads.submit(do, action) for action in actions]
        return [doing.exception(30) or doing.result() for doing in doings]


def both_reach(patch: pytest.MonkeyPatch, place: object, name: str, *, parties: int = 2) -> None:
    """Holds each caller at the end of a function until another has come that far too."""
    real, barrier = getattr(place, name), Barrier(parties)

    def meet(*args: object, **kwargs: object) -> object:
        answer = real(*args, **kwargs)
        with suppress(BrokenBarrierError):
            barrier.wait(PATIENCE_SECONDS)
        return answer

    patch.setattr(place, name, meet)


def first_waits(
    patch: pytest.MonkeyPatch, place: object, name: str, *, seconds: float = PATIENCE_SECONDS
) -> tuple[Event, Event]:
    """Holds the first caller at the end of a function; answers `reached` and `go_on`."""
    real, reached, go_on = getattr(place, name), Event(), Event()

    def wait(*args: object, **kwargs: object) -> object:
        answer = real(*args, **kwargs)
        if not reached.is_set():
            reached.set()
            go_on.wait(seconds)
        return answer

    patch.setattr(place, name, wait)
    return reached, go_on


def in_between(reached: Event, go_on: Event, *actions: Action) -> Action:
    """Does these once the other has reached its place, then lets it go on."""

    def do() -> None:
        assert reached.wait(10)
        try:
            for action in actions:
                action()
        finally:
            go_on.set()

    return do


def without_locks(patch: pytest.MonkeyPatch) -> None:
    """Takes the row locks away."""
    patch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())


def on_postgresql() -> bool:
    """Whether writers can run beside each other."""
    return connection.vendor == "postgresql"


def unguarded_mark(wanted: list[Revision], version: int) -> bool:
    """Publishing without asking whether the content was taken back meanwhile."""
    for revision in wanted:
        values = {"document": revision.document, "digest": revision.digest}
        Revision.objects.filter(pk=revision.pk).update(target_version=version, **values)
    return True
