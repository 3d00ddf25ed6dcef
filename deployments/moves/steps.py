"""What the engine does to a deployment, each step of the planner once."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from deployments import events, releasing
from deployments.models import Batch, Deployment, Instance
from deployments.moves import instances
from deployments.moves.door import MoveRefusedError, ended, engine_may, move
from deployments.planner import EndBatch, Finish, GiveUp, Policy, Release, Step
from deployments.states import FAILURE_WORDS, Failure


def carry_out(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    """Does one step in one transaction; a step that was done meanwhile changes nothing."""
    with transaction.atomic():
        if isinstance(step, Release):
            _release(deployment, step, now)
        elif isinstance(step, GiveUp):
            _give_up(deployment, step, policy, now)
        elif isinstance(step, EndBatch):
            _end_batch(deployment, step, now)
        elif isinstance(step, Finish):
            _finish(deployment, step, now)
        events.ring(deployment.pk)


def _release(deployment: Deployment, step: Release, now: datetime) -> None:
    # The stage guard keeps a cancel that came a moment earlier from being overtaken.
    still = Deployment.objects.filter(pk=deployment.pk, stage=deployment.stage)
    unreleased = Batch.objects.filter(deployment=deployment, number=step.batch, released_at=None)
    if still.update(updated_at=now) != 1 or unreleased.update(released_at=now) != 1:
        return
    batch = Batch.objects.get(deployment=deployment, number=step.batch)
    released = releasing.release(deployment, batch, now)
    already = f" {released.satisfied} run it already." if released.satisfied else ""
    events.record(deployment, "released", step.reason + already, now=now)


def _give_up(deployment: Deployment, step: GiveUp, policy: Policy, now: datetime) -> None:
    late = late_instances(deployment, step.failure, policy, now).filter(batch__number=step.batch)
    if instances.give_up(late, step.failure, FAILURE_WORDS[step.failure] + ".", now):
        events.record(deployment, step.failure.value, step.reason, now=now)


def late_instances(
    deployment: Deployment, failure: Failure, policy: Policy, now: datetime
) -> QuerySet[Instance]:
    """Instances over the limit that belongs to this kind of failure."""
    mine = Instance.objects.filter(deployment=deployment)
    if failure is Failure.TIMED_OUT:
        limit = now - timedelta(seconds=policy.install_timeout_seconds)
        return mine.filter(fetched_at__lte=limit)
    limit = now - timedelta(seconds=policy.offline_wait_seconds)
    return mine.filter(fetched_at=None, released_at__lte=limit)


def _end_batch(deployment: Deployment, step: EndBatch, now: datetime) -> None:
    open_batch = Batch.objects.filter(deployment=deployment, number=step.batch, ended_at=None)
    if open_batch.update(ended_at=now):
        events.record(deployment, "batch_ended", step.reason, now=now)


def _finish(deployment: Deployment, step: Finish, now: datetime) -> None:
    if not engine_may(deployment, step.stage):
        message = f"The engine may not take a deployment from {deployment.stage} to {step.stage}."
        raise ValueError(message)
    try:
        values = ended(step.status, now)
        move(deployment, step.stage, step.reason, now=now, actor=None, changes=values)
    except MoveRefusedError:
        # Somebody cancelled in the same moment: the next look decides afresh.
        return
    instances.let_go(deployment)
