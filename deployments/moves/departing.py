"""What a running deployment does when one of its devices leaves the fleet or comes back."""

from datetime import datetime

from django.db.models import QuerySet

from deployments import events
from deployments.models import Instance
from deployments.moves import instances
from deployments.states import Failure, State
from devices.models import Device


def departed(devices: QuerySet[Device], why: str, now: datetime) -> None:
    """Counts them as unreachable at once, with the reason, instead of waiting for their limit.

    A device that comes back and reports success still counts as long as the deployment runs.
    """
    concerned = Instance.objects.filter(holds=True, device__in=devices.order_by().values("pk"))
    deployments = sorted(set(concerned.values_list("deployment_id", flat=True)))
    instances.give_up(concerned, Failure.UNREACHABLE, why, now)
    for pk in deployments:
        events.ring(pk)
        events.nudge(pk)


def returned(devices: QuerySet[Device], now: datetime) -> None:
    """Has the engine look again at what failed there: it may have tries left."""
    failed = Instance.objects.filter(
        holds=True, state=State.FAILED, device__in=devices.order_by().values("pk")
    )
    deployments = sorted(set(failed.values_list("deployment_id", flat=True)))
    failed.update(unjudged=True)
    for pk in deployments:
        events.nudge(pk)
