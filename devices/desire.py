"""How a change of desired state is announced to the clients it concerns."""

from typing import Any

from django.db.models import F, Model, QuerySet

from devices.models import Client


def raise_generation(clients: QuerySet[Model, Any]) -> int:
    """Marks the desired state of `clients` (a subquery of client ids) as changed.

    Their manifests are built when they poll next. Call it in the transaction of the change, and
    before the change: it locks the clients in the order of their ids, so that two changes that
    share clients wait for each other instead of blocking each other.
    """
    concerned = Client.objects.filter(pk__in=clients)
    locked = list(concerned.order_by("pk").select_for_update().values_list("pk", flat=True))
    if not locked:
        return 0
    return Client.objects.filter(pk__in=clients).update(
        desired_generation=F("desired_generation") + 1
    )


def advance_counters(by: int) -> int:
    """Raises every client's manifest counter; answers how many clients there are.

    The next poll of each gets a manifest with a version above that, so that devices which know
    newer manifests than a restored database accept it (Margo: desired state, manifestVersion).
    """
    return Client.objects.update(
        manifest_version=F("manifest_version") + by,
        desired_generation=F("desired_generation") + 1,
    )
