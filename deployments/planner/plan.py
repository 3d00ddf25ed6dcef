"""What the engine does next and why: a pure function of a frozen snapshot and the clock.

Decides how many, in which order and for which reason. Which devices those are is SQL: the order
of the targets was stored when the deployment was submitted.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from deployments.planner.health import breach, unhealthy, verdict
from deployments.planner.limits import delay, opens_by_itself
from deployments.planner.snapshot import BatchView, Offline, Snapshot
from deployments.planner.steps import (
    Begin,
    Defer,
    EndBatch,
    Finish,
    GiveUp,
    Hold,
    NothingToRemove,
    OpenGate,
    Release,
    Restore,
    Retry,
    RollBack,
    Step,
    WaitAtGate,
)
from deployments.states import BAR_ORDER, STATE_LOOKS, UNDER_WAY, Failure, Stage, State, Status
from deployments.words import devices, duration

#: Stages in which the planner may release something.
_MOVING = frozenset({Stage.ROLLING, Stage.GATE})
#: Stages in which too many failures undo the deployment.
_WATCHED = _MOVING | {Stage.HELD, Stage.PAUSED}


def plan(snapshot: Snapshot, now: datetime) -> list[Step]:
    """The next steps, in order; empty when there is nothing to do before `next_look`.

    Failure is judged before success. Steps that change counts come alone: the engine counts
    again and asks again.
    """
    if snapshot.stage is Stage.READY:
        return _begin(snapshot, now)
    if snapshot.stage is Stage.ROLLING_BACK:
        return (
            _restore(snapshot)
            or _nothing_to_remove(snapshot)
            or _give_up(snapshot)
            or _finish_rollback(snapshot)
        )
    if given_up := _give_up(snapshot) or _without_the_absent(snapshot):
        return given_up
    if snapshot.stage is Stage.CANCELLING:
        return _ended_batches(snapshot) or _finish_cancelling(snapshot)
    if snapshot.stage not in _WATCHED:
        return []
    return _judge(snapshot) or _go_on(snapshot, now)


def outcome(counts: Mapping[State, int]) -> str:
    """Ended instances in words: "18 installed, 2 failed"."""
    parts = [
        f"{counts[state]} {STATE_LOOKS[state].words.lower()}"
        for state in BAR_ORDER
        if counts.get(state)
    ]
    return ", ".join(parts) or "no devices"


def _begin(snapshot: Snapshot, now: datetime) -> list[Step]:
    if snapshot.start_at is None or snapshot.start_at > now:
        return []
    return [Begin("Started at the time that was set.")]


def _give_up(snapshot: Snapshot) -> list[Step]:
    """Limits that ran out; in a rollback a device over its limit could not be put back."""
    steps: list[Step] = []
    policy = snapshot.policy
    for batch in snapshot.batches:
        if batch.late_installing:
            limit = duration(policy.install_timeout_seconds)
            reason = f"{devices(batch.late_installing)} did not finish within {limit}"
            steps.append(GiveUp(f"{batch.name}: {reason}.", batch.number, Failure.TIMED_OUT))
        if batch.late_unreached:
            limit = duration(policy.offline_wait_seconds)
            reason = f"{devices(batch.late_unreached)} did not come for it within {limit}"
            steps.append(GiveUp(f"{batch.name}: {reason}.", batch.number, Failure.UNREACHABLE))
    return steps


def _without_the_absent(snapshot: Snapshot) -> list[Step]:
    policy = snapshot.policy
    limit = duration(policy.offline_after_seconds)
    steps: list[Step] = []
    for batch in snapshot.batches:
        reason = f"{batch.name}: {devices(batch.late_absent)} did not come for it within {limit}"
        if not batch.late_absent:
            continue
        if policy.offline is Offline.FAIL:
            steps.append(GiveUp(f"{reason}.", batch.number, Failure.UNREACHABLE))
        else:
            steps.append(Defer(f"{reason}: going on without.", batch.number))
    return steps


def _judge(snapshot: Snapshot) -> list[Step]:
    """Failures first: they undo the deployment, are tried again, or hold it."""
    if reason := breach(snapshot):
        return [RollBack(reason)]
    if snapshot.stage not in _MOVING:
        return []
    if retries := _retries(snapshot):
        return retries
    if not snapshot.count(State.QUEUED):
        # Everything is out: there is nothing left to hold.
        return []
    for batch in snapshot.batches:
        if unhealthy(batch, snapshot.policy):
            return [Hold(f"{verdict(batch, snapshot.policy)}: held.", batch.number)]
    return []


def _retries(snapshot: Snapshot) -> list[Step]:
    steps: list[Step] = []
    reached = True
    for batch in snapshot.batches:
        if batch.retryable:
            reason = f"{batch.name}: trying again on {devices(batch.retryable)}."
            steps.append(Retry(reason, batch.number, at_once=reached and not batch.queued))
        reached = batch.gate_open
    return steps


def _go_on(snapshot: Snapshot, now: datetime) -> list[Step]:
    if ended := _ended_batches(snapshot):
        return ended
    if snapshot.stage is Stage.GATE:
        return _open_gate(snapshot, now)
    if snapshot.stage is Stage.ROLLING:
        return _release_next(snapshot) or _finish(snapshot)
    return []


def _ended_batches(snapshot: Snapshot) -> list[Step]:
    """Batches with nothing left to wait for; one without a device to release ends unreleased."""
    steps: list[Step] = []
    for batch in snapshot.batches:
        if batch.ended:
            continue
        if not batch.all_ended:
            break
        steps.append(EndBatch(f"{batch.name} ended: {outcome(batch.counts)}.", batch.number))
    return steps


def _release_next(snapshot: Snapshot) -> list[Step]:
    """The queued devices of the first batch that has any, once those before it let it pass."""
    before: BatchView | None = None
    for batch in snapshot.batches:
        if batch.queued:
            return _release(snapshot, batch, before)
        if not batch.ended:
            return []
        before = batch
    return []


def _release(snapshot: Snapshot, batch: BatchView, before: BatchView | None) -> list[Step]:
    if before is not None and (closed := _why_closed(snapshot, before)):
        return [WaitAtGate(closed, before.number)]
    reason = f"{batch.name}: released to {devices(batch.queued)}."
    return [Release(reason, batch.number, before.number if before else None)]


def _why_closed(snapshot: Snapshot, batch: BatchView) -> str:
    """Why nothing may follow this batch now; empty when its gate is open or opens at once."""
    rule = snapshot.policy.gate(batch.gate)
    if batch.gate_open or (rule.at_once and batch.running):
        return ""
    healthy = f"{batch.name}: {batch.installed} of {batch.size} installed, {batch.failed} failed"
    if not rule.automatic:
        return f"{healthy}: waiting for somebody to let the rollout go on."
    if not batch.running:
        return f"{healthy}: no device runs it, so somebody has to let the rollout go on."
    return f"{healthy}: the next batch follows in {duration(rule.delay_seconds)}."


def _open_gate(snapshot: Snapshot, now: datetime) -> list[Step]:
    batch, since = snapshot.at_gate, snapshot.gate_since
    if batch is None or since is None or not opens_by_itself(snapshot):
        return []
    if now < since + timedelta(seconds=delay(snapshot)):
        return []
    passed = duration(delay(snapshot))
    reason = f"{batch.name} stayed healthy for {passed}: the next batch follows."
    return [OpenGate(reason, batch.number)]


def _finish(snapshot: Snapshot) -> list[Step]:
    if snapshot.count(*UNDER_WAY) or not all(batch.ended for batch in snapshot.batches):
        return []
    bad = [
        one for one in snapshot.batches if one.failed > snapshot.policy.max_failures.of(one.size)
    ]
    if bad:
        said = "; ".join(_verdict_without_acceptance(one, snapshot) for one in bad)
        return [Finish(f"Completed: {said}.", Stage.COMPLETED, Status.FAILED)]
    reason = f"Completed: {_outcome_of(snapshot)}."
    return [Finish(reason, Stage.COMPLETED, Status.INSTALLED)]


def _verdict_without_acceptance(batch: BatchView, snapshot: Snapshot) -> str:
    allowed = snapshot.policy.max_failures.of(batch.size)
    name = batch.name if len(snapshot.batches) > 1 else ""
    return f"{name}{': ' if name else ''}{batch.failed} of {batch.size} failed, {allowed} allowed"


def _finish_cancelling(snapshot: Snapshot) -> list[Step]:
    if snapshot.count(State.QUEUED, *UNDER_WAY):
        return []
    installed = snapshot.count(State.INSTALLED)
    status = Status.INSTALLED if installed else Status.REMOVED
    reason = f"Cancelled: {installed} of {snapshot.total} had it installed and keep it."
    return [Finish(reason, Stage.CANCELLED, status)]


def _restore(snapshot: Snapshot) -> list[Step]:
    if not snapshot.to_restore:
        return []
    number = snapshot.released - snapshot.unrestored
    if not number:
        return [
            Restore(f"Never sent to {devices(snapshot.to_restore)}: nothing to put back there.")
        ]
    return [Restore(putting_back(number))]


def _nothing_to_remove(snapshot: Snapshot) -> list[Step]:
    """Devices that asked for the content and, it seems, never got it: about it they are silent."""
    limit = duration(snapshot.policy.silence_seconds)
    said = f"knew of the removal for {limit} and never spoke of the application"
    return [
        NothingToRemove(
            f"{batch.name}: {devices(batch.unheard)} {said}: nothing to remove.", batch.number
        )
        for batch in snapshot.batches
        if batch.unheard
    ]


def putting_back(number: int) -> str:
    """The sentence for a rollback that begins on so many devices."""
    return f"Putting back what ran before on {devices(number)}."


def _finish_rollback(snapshot: Snapshot) -> list[Step]:
    if snapshot.count(State.REMOVING):
        return []
    removed, failed = snapshot.count(State.REMOVED), snapshot.unrestored
    if failed:
        reason = f"Rolled back: {failed} of {removed + failed} could not be put back."
        return [Finish(reason, Stage.ROLLED_BACK, Status.FAILED)]
    reason = f"Rolled back: {devices(removed)} put back."
    return [Finish(reason, Stage.ROLLED_BACK, Status.REMOVED)]


def _outcome_of(snapshot: Snapshot) -> str:
    """The whole deployment in words: "18 of 20 installed, 2 skipped"."""
    installed = snapshot.count(State.INSTALLED)
    rest: dict[State, int] = {state: snapshot.count(state) for state in BAR_ORDER}
    del rest[State.INSTALLED]
    others = f", {outcome(rest)}" if any(rest.values()) else ""
    return f"{installed} of {snapshot.total} installed{others}"
