"""What people do to a deployment: start, cancel, edit again, delete."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from deployments import events, targeting, withdrawing
from deployments.models import Deployment, Instance
from deployments.moves import instances
from deployments.moves.door import MoveRefusedError, ended, move, target_of
from deployments.states import Action, Stage, State, Status
from deployments.words import devices


def start(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """ready → rolling: takes hold of the devices' applications and wakes the engine.

    Raises MoveRefusedError when another running deployment holds one of them.
    """
    to = target_of(deployment, Action.START) or Stage.ROLLING
    waiting = Instance.objects.filter(deployment=deployment, state=State.QUEUED)
    _refuse_outdated(deployment)
    try:
        with transaction.atomic():
            count = waiting.count()
            sentence = f"Started for {devices(count)}."
            status = Status.INSTALLING.value
            values: dict[str, object] = {"status": status, "started_at": now, "due_at": now}
            move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes=values)
            waiting.update(holds=True)
            events.nudge(deployment.pk)
    except IntegrityError:
        # The unique index on holders refused: another deployment started in the same moment.
        raise MoveRefusedError(_in_the_way(deployment)) from None


def cancel(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """Stops a deployment: what was not yet sent is taken back, what was sent may finish."""
    to = target_of(deployment, Action.CANCEL)
    if to is Stage.CANCELLED:
        _cancel_before_start(deployment, actor, now, reason)
        return
    with transaction.atomic():
        sentence = "Cancelling: what was not sent is taken back, what was sent may finish."
        values: dict[str, object] = {"due_at": now}
        to = Stage.CANCELLING
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes=values)
        withdrawing.take_back(deployment, now)
        count = instances.cancel_unpublished(deployment, now)
        events.record(deployment, "taken_back", f"Taken back from {devices(count)}.", now=now)
        events.nudge(deployment.pk)


def reopen(deployment: Deployment, *, actor: User | None, now: datetime) -> None:
    """ready → draft, so that it can be edited again; its frozen targets are given up."""
    to = target_of(deployment, Action.EDIT) or Stage.DRAFT
    if deployment.stage == to:
        return
    with transaction.atomic():
        # Counted as an edit: a page that shows the plan given up here must not start another one.
        emptied: dict[str, object] = {"summary": {}, "edits": deployment.edits + 1}
        said = "Opened again for editing."
        move(deployment, to, said, now=now, actor=actor, changes=emptied)
        deployment.batches.all().delete()


def delete(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """A draft goes for good; a finished deployment goes from the lists and keeps its history."""
    target_of(deployment, Action.DELETE)
    stage = deployment.stage
    same = Deployment.objects.filter(pk=deployment.pk, stage=stage, hidden_at=None)
    with transaction.atomic():
        if stage == Stage.DRAFT:
            changed = same.delete()[0]
        else:
            changed = same.update(hidden_at=now, updated_at=now)
            events.record(
                deployment,
                "deleted",
                "Deleted from the lists.",
                now=now,
                actor=actor,
                reason=reason,
            )
        if not changed:
            raise MoveRefusedError(f"{deployment.name} changed while you were looking at it.")
        events.ring(deployment.pk)


def _cancel_before_start(
    deployment: Deployment, actor: User | None, now: datetime, reason: str
) -> None:
    with transaction.atomic():
        sentence = "Cancelled before it started: no device was touched."
        to, values = Stage.CANCELLED, ended(Status.REMOVED, now)
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes=values)
        instances.cancel_unpublished(deployment, now)


def _refuse_outdated(deployment: Deployment) -> None:
    """What changed between submit and start is told before the start, not during it."""
    if deployment.version.state == deployment.version.State.DEPRECATED:
        raise MoveRefusedError(f"{deployment.version} was deprecated: choose another version.")
    waiting = Instance.objects.filter(deployment=deployment, state=State.QUEUED)
    targets = targeting.devices_in(waiting)
    judged = targeting.judge(targets, deployment.version, deployment.profile_id)
    if judged.misfits:
        first = judged.misfits[0]
        count = devices(len(judged.misfits))
        raise MoveRefusedError(
            f"{count} no longer fit (first: {first.path} {first.reasons[0]}): edit the deployment."
        )
    if targeting.holders(targets, deployment.version.application, besides=deployment):
        raise MoveRefusedError(_in_the_way(deployment))


def _in_the_way(deployment: Deployment) -> str:
    waiting = Instance.objects.filter(deployment=deployment, state=State.QUEUED)
    targets = targeting.devices_in(waiting)
    application = deployment.version.application
    found = targeting.holders(targets, application, besides=deployment)
    return targeting.sentence_about(found, application)
