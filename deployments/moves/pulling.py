"""Pause, hold and cancel take back what was never sent."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from deployments import counting, withdrawing
from deployments.models import Batch, Deployment, Instance
from deployments.moves import instances
from deployments.states import State
from deployments.strategy import policy_of


def pull_back(deployment: Deployment, now: datetime) -> int:
    """Unpublished instances wait in their batches again; answers how many."""
    withdrawing.take_back(deployment, now)
    count = instances.requeue_unpublished(deployment, now)
    if count:
        queued = Instance.objects.filter(batch=OuterRef("pk"), state=State.QUEUED)
        batches = Batch.objects.filter(deployment=deployment).exclude(released_at=None)
        batches.filter(Exists(queued)).update(released_at=None, ended_at=None)
    return count


def never_send(deployment: Deployment, now: datetime) -> None:
    """Cancels what waits in a deployment that ends before it starts, and what lists show of it."""
    instances.cancel_unpublished(deployment, now)
    seen = counting.snapshot(deployment, policy_of(deployment.strategy), now)
    deployment.summary = counting.summary_of(seen)
    Deployment.objects.filter(pk=deployment.pk).update(summary=deployment.summary)


def taken_back_words(count: int, words: str) -> str:
    """A sentence about what was taken back; empty when nothing was."""
    return f" Taken back from {words}." if count else ""
