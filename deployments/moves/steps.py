"""What the engine does to a deployment, each step of the planner once."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Coalesce

from deployments import counting, events, releasing
from deployments.models import Batch, Deployment, Instance
from deployments.moves import instances, restoring, rollback, verbs
from deployments.moves.door import WELL, MoveRefusedError, ended, move, under_way, unmoved
from deployments.moves.locks import lock_workloads
from deployments.moves.pulling import pull_back, taken_back_words
from deployments.planner import (
    Begin,
    Defer,
    EndBatch,
    Finish,
    GiveUp,
    Hold,
    NothingToRemove,
    Offline,
    OpenGate,
    Policy,
    Release,
    Restore,
    Retry,
    RollBack,
    Step,
    WaitAtGate,
)
from deployments.states import FAILURE_WORDS, Failure, Stage, State, Status
from deployments.words import devices
from devices.desire import raise_generation


def carry_out(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    """Does one step in one transaction; a step that was done meanwhile changes nothing."""
    try:
        with transaction.atomic():
            # The guard keeps a pause or cancel that came a moment earlier from being overtaken,
            # and a worker that lost its claim from doing what another one has done since.
            if unmoved(deployment, claimed=True).update(updated_at=now) != 1:
                return
            _DOINGS[type(step)](deployment, step, policy, now)
            events.ring(deployment.pk)
    except MoveRefusedError:
        # Somebody moved it in the same moment: the next look decides afresh.
        return


def _begin(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    verbs.start_as_scheduled(deployment, step.reason, now)


def _release(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, Release)
    mine = Batch.objects.filter(deployment=deployment)
    mine.filter(number=step.opens or 0, gate_opened_at=None).update(gate_opened_at=now)
    begins = mine.filter(number=step.batch, released_at=None).update(
        released_at=now, first_released_at=Coalesce("first_released_at", now)
    )
    released = releasing.release(deployment, mine.get(number=step.batch), now)
    if begins:
        have = released.satisfied
        already = f" {have} {'runs' if have == 1 else 'run'} it already." if have else ""
        events.record(deployment, "released", step.reason + already, now=now)


def _retry(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, Retry)
    batch = Batch.objects.get(deployment=deployment, number=step.batch)
    failed = Instance.objects.filter(counting.retryable(policy), batch=batch)
    raise_generation(failed.order_by().values("device__client"))
    lock_workloads(failed)
    if not instances.requeue(failed, now):
        return
    Batch.objects.filter(pk=batch.pk).update(ended_at=None)
    if step.at_once:
        releasing.release(deployment, batch, now)
    if deployment.stage == Stage.GATE:
        # Its batch is open again: the rollout comes back to this gate, whose delay begins anew.
        _go(deployment, Stage.ROLLING, step, now, under_way(Status.INSTALLING, now))
    else:
        events.record(deployment, "retried", step.reason, now=now)


def _give_up(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, GiveUp)
    mine = Instance.objects.filter(deployment=deployment, batch__number=step.batch)
    over = counting.late(policy, step.failure, now)
    if step.failure is Failure.UNREACHABLE and policy.offline is Offline.FAIL:
        over |= counting.absent(policy, now)
    words = FAILURE_WORDS[step.failure] + "."
    if instances.give_up(mine.filter(over), step.failure, words, now):
        events.record(deployment, step.failure.value, step.reason, now=now)


def _defer(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, Defer)
    mine = Instance.objects.filter(deployment=deployment, batch__number=step.batch)
    if instances.defer(mine.filter(counting.absent(policy, now)), now):
        events.record(deployment, "deferred", step.reason, now=now)


def _nothing_to_remove(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, NothingToRemove)
    mine = Instance.objects.filter(deployment=deployment, batch__number=step.batch)
    # A device that speaks in this moment is heard, before or after.
    lock_workloads(counting.unheard(mine, policy, now))
    over = counting.unheard(mine, policy, now)
    if instances.close(over, State.REMOVED, "Never spoke of it: nothing to remove", now):
        events.record(deployment, "nothing_to_remove", step.reason, now=now)


def _end_batch(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, EndBatch)
    open_batch = Batch.objects.filter(deployment=deployment, number=step.batch, ended_at=None)
    if open_batch.update(ended_at=now):
        mine = Instance.objects.filter(deployment=deployment, batch__number=step.batch)
        failed = mine.filter(state=State.FAILED).exists()
        kind = "batch_ended_badly" if failed else "batch_ended"
        events.record(deployment, kind, step.reason, now=now)


def _wait_at_gate(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, WaitAtGate)
    batch = Batch.objects.get(deployment=deployment, number=step.batch)
    at: dict[str, object] = {"gate": batch.gate, "gate_batch": batch.number, "gate_since": now}
    _go(deployment, Stage.GATE, step, now, at)


def _open_gate(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, OpenGate)
    _go(deployment, Stage.ROLLING, step, now)
    behind = Batch.objects.filter(deployment=deployment, number=step.batch)
    behind.update(gate_opened_at=now)


def _hold(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, Hold)
    _go(deployment, Stage.HELD, step, now)
    if count := pull_back(deployment, now):
        words = taken_back_words(count, devices(count)).strip()
        events.record(deployment, "taken_back", words, now=now)


def _roll_back(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    rollback.begin(deployment, step.reason, actor=None, now=now, by_engine=True)


def _restore(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    restoring.restore(deployment, now)


def _finish(deployment: Deployment, step: Step, policy: Policy, now: datetime) -> None:
    assert isinstance(step, Finish)
    # This waits for the reports that are being written; those that come after it find no holder.
    instances.let_go(deployment)
    if Instance.objects.filter(deployment=deployment, unjudged=True).exists():
        raise MoveRefusedError(f"{deployment.name} has news that nobody has judged.")
    # What lists show is written with the end: nobody looks again to do it.
    seen = counting.snapshot(deployment, policy, now)
    over = {"summary": counting.summary_of(seen), **WELL, **ended(step.status, now)}
    kind = "ended_badly" if step.status is Status.FAILED else "moved"
    _go(deployment, step.stage, step, now, over, kind)


def _go(
    deployment: Deployment,
    to: Stage,
    step: Step,
    now: datetime,
    changes: dict[str, object] | None = None,
    kind: str = "moved",
) -> None:
    move(
        deployment,
        to,
        step.reason,
        now=now,
        actor=None,
        kind=kind,
        changes=changes,
        by_engine=True,
    )


_DOINGS: dict[type[Step], Callable[[Deployment, Step, Policy, datetime], None]] = {
    Begin: _begin,
    Release: _release,
    Retry: _retry,
    GiveUp: _give_up,
    Defer: _defer,
    EndBatch: _end_batch,
    WaitAtGate: _wait_at_gate,
    OpenGate: _open_gate,
    Hold: _hold,
    NothingToRemove: _nothing_to_remove,
    RollBack: _roll_back,
    Restore: _restore,
    Finish: _finish,
}
