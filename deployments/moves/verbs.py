"""What people do to a deployment: start, cancel, edit again, delete."""

from datetime import datetime, timedelta

from django.contrib.admin.models import DELETION, LogEntry
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from deployments import approval, events, targeting, withdrawing
from deployments.models import Deployment, Instance
from deployments.moves import instances
from deployments.moves.approving import refuse_unapproved
from deployments.moves.door import (
    MoveRefusedError,
    ended,
    move,
    stage_after,
    target_of,
    under_way,
    unmoved,
)
from deployments.moves.pulling import never_send
from deployments.states import Action, Stage, State, Status
from deployments.words import devices

#: A start further away than this is a slip of the pen.
FARTHEST_START = timedelta(days=366)


def start(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """ready → rolling: takes hold of the devices' applications and wakes the engine.

    Raises MoveRefusedError when another running deployment holds one of them.
    """
    stage_after(deployment, Action.START)
    _start(deployment, "Started", actor, now, reason)


def start_as_scheduled(deployment: Deployment, sentence: str, now: datetime) -> None:
    """Starts at the time that was set, or says why not and leaves it to a person."""
    try:
        _start(deployment, sentence.rstrip("."), None, now, "", by_engine=True)
    except MoveRefusedError as refusal:
        still = unmoved(deployment, claimed=True)
        if still.update(start_at=None, due_at=None, updated_at=now):
            words = f"Could not start at the time that was set. {refusal}"
            events.record(deployment, "start_refused", words, now=now)


def schedule(
    deployment: Deployment,
    at: datetime | None,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
) -> None:
    """Lets it start by itself `at` that time; None takes the time back.

    One that still waits for approval then starts only if it is approved before. Raises
    MoveRefusedError for a time that is over or more than a year away.
    """
    to = stage_after(deployment, Action.SCHEDULE)
    if at is not None:
        refuse_start_at(at, now)
    sentence = "Does not start by itself any more."
    if at is not None:
        sentence = f"Starts by itself on {timezone.localtime(at):%-d %b %Y at %H:%M %Z}."
    due = at if to is Stage.READY else None
    changes: dict[str, object] = {"start_at": at, "due_at": due}
    with transaction.atomic():
        move(
            deployment,
            to,
            sentence,
            now=now,
            actor=actor,
            kind="scheduled",
            reason=reason,
            changes=changes,
        )


def refuse_start_at(at: datetime, now: datetime) -> None:
    """Raises MoveRefusedError for a time that is over or more than a year away."""
    if not now < at <= now + FARTHEST_START:
        raise MoveRefusedError("The time to start must be in the future, within a year.")


def cancel(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """Stops a deployment: what was not yet sent is taken back, what was sent may finish."""
    to = stage_after(deployment, Action.CANCEL)
    if to is Stage.CANCELLED:
        _cancel_before_start(deployment, actor, now, reason)
        return
    with transaction.atomic():
        sentence = "Cancelling: what was not sent is taken back, what was sent may finish."
        values: dict[str, object] = {"due_at": now}
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes=values)
        withdrawing.take_back(deployment, now)
        count = instances.cancel_unpublished(deployment, now)
        events.record(deployment, "taken_back", f"Taken back from {devices(count)}.", now=now)
        events.nudge(deployment.pk)


def reopen(deployment: Deployment, *, actor: User | None, now: datetime) -> None:
    """→ draft, so that it can be edited again; frozen targets and an approval are given up."""
    to = stage_after(deployment, Action.EDIT)
    if deployment.stage == to:
        return
    with transaction.atomic():
        # Counted as an edit: a page that shows the plan given up here must not start another one.
        emptied: dict[str, object] = {
            "summary": {},
            "edits": deployment.edits + 1,
            "start_at": None,
            "due_at": None,
            **approval.NONE_YET,
            "authors": [actor.pk] if actor else [],
        }
        said = "Opened again for editing."
        move(deployment, to, said, now=now, actor=actor, changes=emptied)
        deployment.batches.all().delete()


def delete(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """A draft goes for good; what was ever made ready goes from the lists and keeps its history."""
    target_of(deployment, Action.DELETE)
    same = unmoved(deployment)
    with transaction.atomic():
        if not deployment.moves_made:
            changed = same.delete()[0]
            _note_gone(deployment, actor, reason)
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


def _note_gone(draft: Deployment, actor: User | None, reason: str) -> None:
    """Who deleted a draft is kept where it is not deleted with it."""
    if actor is not None:
        said = f"Deleted the draft. {reason}".strip()
        LogEntry.objects.log_actions(actor.pk, [draft], DELETION, change_message=said)


def _start(
    deployment: Deployment,
    how: str,
    actor: User | None,
    now: datetime,
    reason: str,
    *,
    by_engine: bool = False,
) -> None:
    waiting = Instance.objects.filter(deployment=deployment, state=State.QUEUED)
    refuse_unapproved(deployment)
    _refuse_outdated(deployment)
    try:
        with transaction.atomic():
            values = {**under_way(Status.INSTALLING, now), "started_at": now, "start_at": None}
            move(
                deployment,
                Stage.ROLLING,
                f"{how} for {devices(waiting.count())}.",
                now=now,
                actor=actor,
                reason=reason,
                changes=values,
                by_engine=by_engine,
            )
            waiting.update(holds=True)
            events.nudge(deployment.pk)
    except IntegrityError:
        # The unique index on holders refused: another deployment started in the same moment.
        raise MoveRefusedError(_in_the_way(deployment)) from None


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


def _cancel_before_start(
    deployment: Deployment, actor: User | None, now: datetime, reason: str
) -> None:
    with transaction.atomic():
        sentence = "Cancelled before it started: no device was touched."
        to, values = Stage.CANCELLED, {**ended(Status.REMOVED, now), "start_at": None}
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes=values)
        never_send(deployment, now)
