"""What a decision may depend on: the policy, and the deployment as counted at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from deployments.states import ENDED, IN_FLIGHT, RELEASED, Failure, Gate, Stage, State

#: A device that holds the news of a removal, and has not said a word of the application for so
#: long, has none: what it asked for was lost on the way to it.
SILENCE_SECONDS = 60


class Offline(StrEnum):
    """What happens with a device that does not come for its content."""

    WAIT = "wait"
    MOVE_ON = "move_on"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of devices, or a percentage of them."""

    number: Decimal = Decimal(0)
    percent: bool = False

    def of(self, total: int) -> int:
        """How many that is among `total`; a percentage is rounded down."""
        return int(total * self.number / 100) if self.percent else int(self.number)

    @property
    def words(self) -> str:
        """As a person writes it: "5" or "2.5 %"."""
        return f"{self.number.normalize():f} %" if self.percent else str(int(self.number))


@dataclass(frozen=True, slots=True)
class GateRule:
    """Whether a gate opens by itself, and how long after its batch has ended."""

    automatic: bool = True
    delay_seconds: int = 0

    @property
    def at_once(self) -> bool:
        """Nobody has to wait here."""
        return self.automatic and not self.delay_seconds


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allowed: failures, retries, and how long a device may take or stay away.

    `offline_after_seconds` is when the rollout moves on without a device that does not come, or
    counts it as failed; `offline_wait_seconds` is when it stops waiting for one altogether.
    """

    max_failures: Amount = Amount()
    install_timeout_seconds: int = 1800
    offline: Offline = Offline.WAIT
    offline_wait_seconds: int = 86_400
    offline_after_seconds: int = 600
    retries: Mapping[Failure, int] = field(default_factory=dict)
    gates: Mapping[Gate, GateRule] = field(default_factory=dict)
    rollback_percent: Decimal | None = None
    rollback_count: int | None = None
    rollback_min_released: int = 1

    @property
    def silence_seconds(self) -> int:
        """How long a removal waits for a first word; no longer than an installation may take."""
        return min(SILENCE_SECONDS, self.install_timeout_seconds)

    def gate(self, gate: Gate | None) -> GateRule:
        """The rule of a gate; a batch without one lets the next follow at once."""
        return self.gates.get(gate, GateRule()) if gate else GateRule()


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch as counted in one query: instances by state, and those over a limit.

    `gate` is the kind of gate behind it and `gate_open` whether it was opened; `accepted` are the
    failures somebody accepted by resuming. `retryable` of the failed ones have tries left,
    `unrestored` of them could not be put back by a rollback. `satisfied` of the skipped ones run
    it already, `waiting_again` of the queued ones were released before. `unheard` are those being
    removed whose device never spoke of the application, for longer than a removal waits for that.
    """

    number: int
    name: str
    size: int
    released: bool
    ended: bool
    counts: Mapping[State, int]
    gate: Gate | None = None
    gate_open: bool = False
    accepted: int = 0
    retryable: int = 0
    unrestored: int = 0
    late_installing: int = 0
    late_unreached: int = 0
    late_absent: int = 0
    satisfied: int = 0
    waiting_again: int = 0
    unheard: int = 0

    def count(self, *of: State) -> int:
        """How many instances are in one of these states."""
        return sum(self.counts.get(state, 0) for state in of)

    @property
    def total(self) -> int:
        """How many instances it has."""
        return sum(self.counts.values())

    @property
    def in_flight(self) -> int:
        """Instances whose content was released and whose end is not known."""
        return self.count(*IN_FLIGHT)

    @property
    def queued(self) -> int:
        """Instances that were not released, or were taken back."""
        return self.count(State.QUEUED)

    @property
    def failed(self) -> int:
        """Instances that failed and will not be tried again by themselves."""
        return self.count(State.FAILED) - self.retryable

    @property
    def installed(self) -> int:
        """Instances that installed it."""
        return self.count(State.INSTALLED)

    @property
    def running(self) -> int:
        """Instances that really run it, also those that did before."""
        return self.installed + self.satisfied

    @property
    def all_ended(self) -> bool:
        """No instance is left to wait for."""
        return self.count(*ENDED) == self.total and not self.retryable

    def allowed(self, policy: Policy) -> int:
        """How many of its devices may fail before the rollout is held."""
        return max(policy.max_failures.of(self.size), self.accepted)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision may depend on."""

    stage: Stage
    policy: Policy
    batches: tuple[BatchView, ...]
    start_at: datetime | None = None
    gate_batch: int | None = None
    gate_since: datetime | None = None
    first_fetch: datetime | None = None
    first_unreached_release: datetime | None = None
    first_absent_release: datetime | None = None
    first_silence: datetime | None = None

    def count(self, *of: State) -> int:
        """How many instances of the whole deployment are in one of these states."""
        return sum(batch.count(*of) for batch in self.batches)

    @property
    def total(self) -> int:
        """How many targets there are."""
        return sum(batch.total for batch in self.batches)

    @property
    def failed(self) -> int:
        """How many devices failed and will not be tried again by themselves."""
        return sum(batch.failed for batch in self.batches)

    @property
    def released(self) -> int:
        """How many devices failures are weighed against, also those that wait once more."""
        return self.count(*RELEASED) + sum(batch.waiting_again for batch in self.batches)

    @property
    def unrestored(self) -> int:
        """How many devices could not be put back."""
        return sum(batch.unrestored for batch in self.batches)

    @property
    def to_restore(self) -> int:
        """How many devices a rollback has not looked at yet."""
        return self.count(State.QUEUED, *RELEASED) - self.unrestored

    @property
    def at_gate(self) -> BatchView | None:
        """The batch at whose gate the rollout waits."""
        return next((one for one in self.batches if one.number == self.gate_batch), None)
