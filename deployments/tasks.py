"""The engine's tasks: they read the clock, call one verb and decide nothing."""

from celery import shared_task
from django.utils import timezone

from deployments import engine
from deployments.events import NUDGE_EXPIRES_SECONDS


@shared_task
def tick_all() -> None:
    """Each second, from beat: queues a tick for every deployment that is due."""
    for pk in engine.due(timezone.now()).values_list("pk", flat=True):
        tick_one.delay(pk)


@shared_task(expires=NUDGE_EXPIRES_SECONDS)
def tick_one(deployment_pk: int) -> None:
    """Looks at one deployment."""
    engine.tick(deployment_pk, now=timezone.now())
