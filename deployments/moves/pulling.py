"""Pause, hold and cancel take back what was released but never published."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from deployments import withdrawing
from deployments.models import Batch, Deployment, Instance
from deployments.moves import instances
from deployments.states import State


def pull_back(deployment: Deployment, now: datetime) -> int:
    """Unpublished instances wait in their batches again; answers how many."""
    withdrawing.take_back(deployment, now)
    count = instances.requeue_unpublished(deployment, now)
    if count:
        queued = Instance.objects.filter(batch=OuterRef("pk"), state=State.QUEUED)
        batches = Batch.objects.filter(deployment=deployment).exclude(released_at=None)
        batches.filter(Exists(queued)).update(released_at=None, ended_at=None)
    return count


def taken_back_words(count: int, words: str) -> str:
    """A sentence about what was taken back; empty when nothing was."""
    return f" Taken back from {words}." if count else ""
