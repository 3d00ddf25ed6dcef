"""Undoing a deployment: by hand, or by the engine when too many devices failed."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from deployments import events, withdrawing
from deployments.models import Deployment, Instance
from deployments.moves import instances, restoring
from deployments.moves.door import MoveRefusedError, move, stage_after, under_way
from deployments.planner import putting_back
from deployments.states import Action, Failure, Stage, State, Status
from deployments.words import devices


def roll_back(
    deployment: Deployment, *, actor: User | None, now: datetime, reason: str = ""
) -> None:
    """Puts each device's own previous content back, or removes the application there.

    Nothing that was not released is touched. From here on each device gets it when it asks, and the
    engine does the rest in chunks, so that it survives the end of any process; raises
    MoveRefusedError.
    """
    stage_after(deployment, Action.ROLLBACK)
    with transaction.atomic():
        sentence = "Rolling back: each device gets back what it ran before."
        begin(deployment, sentence, actor=actor, now=now, reason=reason)


def begin(
    deployment: Deployment,
    sentence: str,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
    by_engine: bool = False,
) -> None:
    """The first step of a rollback; call it inside a transaction."""
    move(
        deployment,
        Stage.ROLLING_BACK,
        sentence,
        now=now,
        actor=actor,
        reason=reason,
        changes=under_way(Status.REMOVING, now),
        by_engine=by_engine,
    )
    withdrawing.take_back(deployment, now)
    if count := restoring.sent(deployment).count():
        events.record(deployment, "restored", putting_back(count), now=now)
    events.nudge(deployment.pk)


def give_up_rest(
    deployment: Deployment, *, actor: User | None, now: datetime, reason: str = ""
) -> None:
    """Waits no longer for devices that are being put back; they count as not put back.

    They still get it when they ask. Raises MoveRefusedError.
    """
    to = stage_after(deployment, Action.GIVE_UP)
    going_back = Instance.objects.filter(deployment=deployment, state=State.REMOVING)
    with transaction.atomic():
        count = going_back.count()
        if not count:
            raise MoveRefusedError(f"{deployment.name} waits for no device that it put back.")
        move(
            deployment,
            to,
            f"Gave up on {devices(count)} that could not be put back so far.",
            now=now,
            actor=actor,
            kind="gave_up",
            reason=reason,
            changes={"due_at": now},
        )
        words = "Somebody gave up waiting for the device."
        instances.give_up(going_back, Failure.ROLLBACK_FAILED, words, now)
        events.nudge(deployment.pk)


def retry_unrestored(
    deployment: Deployment, *, actor: User | None, now: datetime, reason: str = ""
) -> None:
    """Puts back once more where that failed; raises MoveRefusedError."""
    to = stage_after(deployment, Action.RETRY_FAILED)
    with transaction.atomic():
        move(
            deployment,
            to,
            "Putting back once more where that failed.",
            now=now,
            actor=actor,
            kind="retried",
            reason=reason,
            changes=under_way(Status.REMOVING, now),
        )
        if not restoring.restore_again(deployment, now):
            raise MoveRefusedError(f"{deployment.name} has no device that could not be put back.")
        events.nudge(deployment.pk)
