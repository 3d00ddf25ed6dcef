"""How a change of desired state is announced to the clients it concerns."""

from typing import Any

from django.db import connection
from django.db.models import F, Model, QuerySet

from devices.models import Client


def raise_generation(clients: QuerySet[Model, Any]) -> int:
    """Marks the desired state of `clients` (a subquery of client ids) as changed.

    Their manifests are built when they poll next. Call it in the transaction of the change, and
    before the change: it locks the clients in the order of their ids, so that two changes that
    share clients wait for each other instead of blocking each other.
    """
    theirs = Client.objects.filter(pk__in=clients).order_by("pk").select_for_update()
    chosen, params = theirs.values_list("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_RAISE.format(chosen=chosen), params)
        return int(cursor.rowcount)


# In one statement: who waits for a client's lock has not chosen its clients twice.
_RAISE = """
    UPDATE devices_client SET desired_generation = desired_generation + 1
    FROM ({chosen}) AS locked WHERE devices_client.id = locked.pk
"""


def advance_counters(by: int) -> int:
    """Raises every client's manifest counter; answers how many clients there are.

    The next poll of each gets a manifest with a version above that, so that devices which know
    newer manifests than a restored database accept it (Margo: desired state, manifestVersion).
    """
    return Client.objects.update(
        manifest_version=F("manifest_version") + by,
        desired_generation=F("desired_generation") + 1,
    )
