"""What the engine does next and why: a pure function of a frozen snapshot and the clock.

Decides how many, in which order and for which reason. Which devices those are is SQL: the order
of the targets was stored when the deployment was submitted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployments.states import ENDED, IN_FLIGHT, Failure, Stage, State, Status
from deployments.words import devices, duration


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allowed: failures, and how long a device may take or stay away."""

    max_failures: int = 0
    install_timeout_seconds: int = 1800
    offline_wait_seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch as counted in one query: instances by state, those over a limit, next limits."""

    number: int
    name: str
    size: int
    released: bool
    ended: bool
    counts: Mapping[State, int]
    late_installing: int = 0
    late_unreached: int = 0

    def count(self, *of: State) -> int:
        """How many instances are in one of these states."""
        return sum(self.counts.get(state, 0) for state in of)

    @property
    def in_flight(self) -> int:
        """Instances whose content was released and whose end is not known."""
        return self.count(*IN_FLIGHT)

    @property
    def all_ended(self) -> bool:
        """No instance is left to wait for."""
        return self.count(*ENDED) == sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision may depend on."""

    stage: Stage
    policy: Policy
    batches: tuple[BatchView, ...]
    first_fetch: datetime | None = None
    first_unreached_release: datetime | None = None

    def count(self, *of: State) -> int:
        """How many instances of the whole deployment are in one of these states."""
        return sum(batch.count(*of) for batch in self.batches)

    @property
    def total(self) -> int:
        """How many targets there are."""
        return sum(sum(batch.counts.values()) for batch in self.batches)


@dataclass(frozen=True, slots=True)
class Step:
    """Something the engine will do, with the sentence that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Release(Step):
    """Make this batch's content the desired state of its devices."""

    batch: int


@dataclass(frozen=True, slots=True)
class GiveUp(Step):
    """Count the instances of a batch that took too long as failed."""

    batch: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class EndBatch(Step):
    """Note that nothing of this batch is left to wait for."""

    batch: int


@dataclass(frozen=True, slots=True)
class Finish(Step):
    """End the deployment."""

    stage: Stage
    status: Status


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A slice of the ordered targets, as the wizard shows it before submit."""

    number: int
    name: str
    first: int
    size: int
    starts: str = ""


def partition(strategy: Mapping[str, object], total: int) -> tuple[PlannedBatch, ...]:
    """The batches of a rollout over `total` ordered targets; each target is in exactly one.

    `strategy` is as stored. Immediate, the only one so far, is one batch of all devices.
    """
    if total == 0:
        return ()
    return (PlannedBatch(1, "All devices", first=1, size=total, starts="at once"),)


def plan(snapshot: Snapshot, now: datetime) -> list[Step]:
    """The next steps, in order; empty when there is nothing to do before `next_look`.

    Steps that change counts come alone: the engine counts again and asks again.
    """
    if given_up := _give_up(snapshot):
        return given_up
    if ended := _ended_batches(snapshot):
        return ended
    if snapshot.stage is Stage.CANCELLING:
        return _finish_cancelling(snapshot)
    return _release_next(snapshot) or _finish(snapshot)


def next_look(snapshot: Snapshot) -> datetime | None:
    """When a limit runs out next, if no report comes before; None when none is running."""
    limits = (
        (snapshot.first_fetch, snapshot.policy.install_timeout_seconds),
        (snapshot.first_unreached_release, snapshot.policy.offline_wait_seconds),
    )
    times = [since + timedelta(seconds=seconds) for since, seconds in limits if since]
    return min(times, default=None)


def _give_up(snapshot: Snapshot) -> list[Step]:
    steps: list[Step] = []
    for batch in snapshot.batches:
        if batch.late_installing:
            limit = duration(snapshot.policy.install_timeout_seconds)
            reason = f"{devices(batch.late_installing)} did not finish within {limit}"
            steps.append(GiveUp(f"{batch.name}: {reason}.", batch.number, Failure.TIMED_OUT))
        if batch.late_unreached:
            limit = duration(snapshot.policy.offline_wait_seconds)
            reason = f"{devices(batch.late_unreached)} did not come for it within {limit}"
            steps.append(GiveUp(f"{batch.name}: {reason}.", batch.number, Failure.UNREACHABLE))
    return steps


def _ended_batches(snapshot: Snapshot) -> list[Step]:
    return [
        EndBatch(f"{batch.name}: {outcome(batch.counts)}.", batch.number)
        for batch in snapshot.batches
        if batch.released and not batch.ended and batch.all_ended
    ]


def _release_next(snapshot: Snapshot) -> list[Step]:
    """The first batch that was not released, once every batch before it has ended."""
    for batch in snapshot.batches:
        if not batch.released:
            queued = batch.count(State.QUEUED)
            return [Release(f"{batch.name}: released to {devices(queued)}.", batch.number)]
        if not batch.ended:
            return []
    return []


def _finish(snapshot: Snapshot) -> list[Step]:
    if not all(batch.ended for batch in snapshot.batches):
        return []
    failed, allowed = snapshot.count(State.FAILED), snapshot.policy.max_failures
    installed = snapshot.count(State.INSTALLED)
    if failed > allowed:
        reason = f"Completed: {failed} of {snapshot.total} failed, {allowed} allowed."
        return [Finish(reason, Stage.COMPLETED, Status.FAILED)]
    reason = f"Completed: {installed} of {snapshot.total} installed{_rest(snapshot)}."
    return [Finish(reason, Stage.COMPLETED, Status.INSTALLED)]


def _finish_cancelling(snapshot: Snapshot) -> list[Step]:
    if sum(batch.in_flight for batch in snapshot.batches) or snapshot.count(State.QUEUED):
        return []
    installed = snapshot.count(State.INSTALLED)
    status = Status.INSTALLED if installed else Status.REMOVED
    reason = f"Cancelled: {installed} of {snapshot.total} had it installed and keep it."
    return [Finish(reason, Stage.CANCELLED, status)]


def _rest(snapshot: Snapshot) -> str:
    others = {State.FAILED: "failed", State.SKIPPED: "skipped", State.CANCELLED: "cancelled"}
    parts = [f"{snapshot.count(one)} {word}" for one, word in others.items() if snapshot.count(one)]
    return ", " + ", ".join(parts) if parts else ""


def outcome(counts: Mapping[State, int]) -> str:
    """Ended instances in words: "18 installed, 2 failed"."""
    order = (State.INSTALLED, State.FAILED, State.SKIPPED, State.CANCELLED)
    parts = [f"{counts[state]} {state.value}" for state in order if counts.get(state)]
    return ", ".join(parts) or "no devices"
