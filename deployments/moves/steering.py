"""What people do to a rollout under way: pause, resume, open a gate, try again what failed."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count

from accounts.models import User
from deployments import events, targeting
from deployments.counting import retryable
from deployments.models import Batch, Deployment, Instance
from deployments.moves import instances, rollback
from deployments.moves.door import MoveRefusedError, move, stage_after, under_way
from deployments.moves.pulling import pull_back, taken_back_words
from deployments.states import Action, Stage, State, Status
from deployments.strategy import policy_of
from deployments.words import counted, devices


def pause(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """Releases nothing more; what was not sent is taken back, what was sent may finish.

    Raises MoveRefusedError.
    """
    to = stage_after(deployment, Action.PAUSE)
    with transaction.atomic():
        sentence = "Paused: nothing more is sent, what was sent may finish."
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes={"due_at": now})
        if count := pull_back(deployment, now):
            words = taken_back_words(count, devices(count)).strip()
            events.record(deployment, "taken_back", words, now=now)
        events.nudge(deployment.pk)


def resume(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    """Goes on: a delay at a gate starts again; from a hold, the failures so far are accepted.

    Raises MoveRefusedError.
    """
    held = deployment.stage == Stage.HELD
    to = stage_after(deployment, Action.RESUME)
    with transaction.atomic():
        accepted = _accept_failures(deployment) if held else 0
        sentence = "Resumed."
        if held:
            sentence = f"Resumed: {counted(accepted, 'failure')} so far accepted."
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes={"due_at": now})
        events.nudge(deployment.pk)


def promote_canary(
    deployment: Deployment,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
    gate_batch: int | None = None,
) -> None:
    """Opens the gate behind the canary.

    `gate_batch` is the batch behind which the person saw it waiting; None stands for what was
    read just now. Raises MoveRefusedError.
    """
    to = _through_gate(deployment, Action.PROMOTE_CANARY, gate_batch)
    _open_gate(deployment, to, "promoted", actor, now, reason)


def approve_batch(
    deployment: Deployment,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
    gate_batch: int | None = None,
) -> None:
    """Opens the gate behind a batch, as `promote_canary` does; raises MoveRefusedError."""
    to = _through_gate(deployment, Action.APPROVE_BATCH, gate_batch)
    _open_gate(deployment, to, "approved", actor, now, reason)


def retry_failed(
    deployment: Deployment, *, actor: User | None, now: datetime, reason: str = ""
) -> None:
    """Tries again where it failed, and nowhere else, batch by batch as the first time.

    In a rollback: puts back once more. Raises MoveRefusedError, also when nothing failed.
    """
    to = stage_after(deployment, Action.RETRY_FAILED)
    try:
        with transaction.atomic():
            if to is Stage.ROLLING_BACK:
                rollback.retry_unrestored(deployment, actor=actor, now=now, reason=reason)
            else:
                _roll_out_again(deployment, to, actor, now, reason)
    except IntegrityError:
        # The unique index on holders refused: another deployment is changing one of the devices.
        failed = Instance.objects.filter(deployment=deployment, state=State.FAILED)
        application = deployment.version.application
        held = targeting.holders(targeting.devices_in(failed), application, besides=deployment)
        raise MoveRefusedError(targeting.sentence_about(held, application)) from None


def _through_gate(deployment: Deployment, action: Action, shown: int | None) -> Stage:
    to = stage_after(deployment, action)
    if shown not in (None, deployment.gate_batch):
        raise MoveRefusedError(
            f"{deployment.name} waits at another gate now than the one that was shown: look again."
        )
    return to


def _open_gate(
    deployment: Deployment,
    to: Stage,
    done: str,
    actor: User | None,
    now: datetime,
    reason: str,
) -> None:
    behind = Batch.objects.filter(deployment=deployment, number=deployment.gate_batch or 0)
    with transaction.atomic():
        name = behind.get().name
        sentence = f"{name} was {done}: the next batch follows."
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes={"due_at": now})
        behind.update(gate_opened_at=now)
        events.nudge(deployment.pk)


def _accept_failures(deployment: Deployment) -> int:
    """Remembers how many failed so far in each batch; only more of them hold it again."""
    # What is tried again by itself has not failed for good: it may still hold the batch.
    policy = policy_of(deployment.strategy)
    failed = Instance.objects.filter(deployment=deployment, state=State.FAILED)
    counts = failed.exclude(retryable(policy)).order_by().values_list("batch").annotate(Count("pk"))
    accepted = 0
    for batch, number in counts:
        Batch.objects.filter(pk=batch).update(accepted_failures=number)
        accepted += number
    return accepted


def _roll_out_again(
    deployment: Deployment, to: Stage, actor: User | None, now: datetime, reason: str
) -> None:
    failed = Instance.objects.filter(deployment=deployment, state=State.FAILED)
    # What another deployment changed since is its business.
    sent = failed.exclude(revision=None).filter(revision__withdrawn_at=None)
    others = sent.exclude(workload__wanted__deployment=deployment)
    instances.close(others, State.SUPERSEDED, "Another deployment has changed it since", now)
    count = failed.count()
    if not count:
        raise MoveRefusedError(f"{deployment.name} has no failed device to try again.")
    sentence = f"Trying again on {devices(count)} that failed."
    changes = under_way(Status.INSTALLING, now)
    move(
        deployment,
        to,
        sentence,
        now=now,
        actor=actor,
        kind="retried",
        reason=reason,
        changes=changes,
    )
    # The gates behind these batches close again: the strategy is the same as the first time.
    concerned = Batch.objects.filter(pk__in=failed.order_by().values("batch"))
    concerned.update(released_at=None, ended_at=None, gate_opened_at=None, accepted_failures=0)
    failed.update(holds=True)
    # What drifts meanwhile counts, as it did the first time.
    installed = Instance.objects.filter(deployment=deployment, state=State.INSTALLED)
    instances.unheld(instances.asked_of(installed, deployment), deployment).update(holds=True)
    instances.requeue(failed, now)
    events.nudge(deployment.pk)
