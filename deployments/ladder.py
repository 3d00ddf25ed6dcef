"""The batches of a deployment as its page shows them: where each stands and what follows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments import queries
from deployments.models import Batch, Deployment
from deployments.outlook import steady
from deployments.planner import BatchView, Snapshot, opener, opens_at, unhealthy
from deployments.states import (
    FINISHED,
    GATE_BY_ITSELF,
    GATE_LOOKS,
    RELEASED,
    STATE_LOOKS,
    Look,
    Stage,
    State,
    Status,
    Tone,
    stage_look,
)
from deployments.words import counted, duration

#: A page shows so many batches around the one under way; the others are counted.
BATCHES_SHOWN = 60
#: So many of those that are over stay above the one under way.
OVER_SHOWN = 10

WAITING = Look(Tone.IDLE, "·", "Not started")
RUNNING = Look(Tone.RUN, "▸", "In progress")
HELD = Look(Tone.BAD, "!", "Held")
PAUSED = Look(Tone.WARN, "‖", "Paused")
DONE = Look(Tone.OK, "✓", "Ended")
DONE_WITH_FAILURES = Look(Tone.BAD, "✕", "Ended with failures")
GOING_BACK = Look(Tone.RUN, "↺", "Being put back")
PUT_BACK = Look(Tone.WARN, "↩", "Put back")
NOT_ALL_PUT_BACK = Look(Tone.BAD, "✕", "Not all put back")

#: Looks of batches that nothing more is expected of.
_OVER = (
    *(DONE, DONE_WITH_FAILURES, PUT_BACK, NOT_ALL_PUT_BACK),
    *(STATE_LOOKS[state] for state in (State.CANCELLED, State.SKIPPED)),
)
#: Looks that say what stands between a batch and the next. At a gate it is that of the rollout.
_SAY_IT = (HELD, GATE_BY_ITSELF, *GATE_LOOKS.values())
_RUNS = Status.INSTALLING
#: A batch of which all are so is so itself: nobody waits for a batch that is skipped.
_ALL_ALIKE = (State.CANCELLED, State.SKIPPED)


@dataclass(frozen=True, slots=True)
class Countdown:
    """When the next batch follows by itself, and how long that is, as steadily as it is told."""

    at: datetime
    left_seconds: int


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch as the table of batches shows it.

    `then` is what has to be before the next, or the `countdown` to it. `over` is when the whole
    deployment ended, after which no batch does; None until then.
    """

    batch: Batch
    look: Look
    tallies: list[queries.Tally]
    then: str
    countdown: Countdown | None
    over: datetime | None = None

    @property
    def released_at(self) -> datetime | None:
        """When it was released first, also when it was taken back or tried again since."""
        return self.batch.first_released_at or self.batch.released_at

    @property
    def ended_at(self) -> datetime | None:
        """When nothing of it was left to wait for; what was sent has ended with the deployment."""
        return self.batch.ended_at or (self.over if self.released_at else None)

    @property
    def not_yet(self) -> str:
        """What stands in place of a time that there is not."""
        return "–" if self.over else "not yet"

    @property
    def outcome(self) -> str:
        """Its instances in words: "18 installed, 2 failed", with the failures accepted."""
        words = ", ".join(f"{one.number} {one.look.words.lower()}" for one in self.tallies)
        accepted = self.batch.accepted_failures
        return f"{words}; {counted(accepted, 'failure')} accepted" if accepted else words

    @property
    def bar(self) -> list[tuple[str, str, int]]:
        """Its instances as parts of a bar."""
        return [one.part for one in self.tallies]


@dataclass(frozen=True, slots=True)
class Ladder:
    """The batches around the one under way, and how many there are before and after them."""

    rows: list[BatchRow]
    before: int = 0
    after: int = 0


def of(deployment: Deployment, seen: Snapshot, now: datetime) -> Ladder:
    """All batches, or those around the one under way."""
    pairs = list(zip(deployment.batches.all(), seen.batches, strict=True))
    looks = [_look(view, seen) for _, view in pairs]
    first = _first_shown(looks)
    shown = pairs[first : first + BATCHES_SHOWN]
    over = deployment.ended_at if seen.stage in FINISHED else None
    rows = [
        BatchRow(
            batch,
            look,
            queries.tallies(view.counts),
            _then(view, seen, look),
            _countdown(seen, look, now),
            over,
        )
        for (batch, view), look in zip(shown, looks[first:], strict=False)
    ]
    return Ladder(rows, before=first, after=len(pairs) - first - len(rows))


def _first_shown(looks: Sequence[Look]) -> int:
    """Where the part begins that is shown; the start, as long as all fit."""
    under_way = next((i for i, look in enumerate(looks) if look not in _OVER), 0)
    return max(0, min(under_way - OVER_SHOWN, len(looks) - BATCHES_SHOWN))


def _look(view: BatchView, seen: Snapshot) -> Look:
    if view.count(State.REMOVING, State.REMOVED) or view.unrestored:
        return _look_of_rollback(view)
    for state in _ALL_ALIKE:
        if view.count(state) == view.total:
            return STATE_LOOKS[state]
    if seen.stage is Stage.GATE and seen.gate_batch == view.number:
        return stage_look(seen.stage, _RUNS, view.gate, by_itself=opens_at(seen) is not None)
    if seen.stage is Stage.HELD and unhealthy(view, seen.policy):
        return HELD
    if not (view.released or view.ended or view.count(*RELEASED)):
        return WAITING
    if view.in_flight or not view.ended:
        return PAUSED if seen.stage is Stage.PAUSED else RUNNING
    return DONE_WITH_FAILURES if view.count(State.FAILED) else DONE


def _look_of_rollback(view: BatchView) -> Look:
    if view.count(State.REMOVING):
        return GOING_BACK
    return NOT_ALL_PUT_BACK if view.unrestored else PUT_BACK


def _then(view: BatchView, seen: Snapshot, look: Look) -> str:
    """What stands between this batch and the next, as long as it does."""
    last = view.number == seen.batches[-1].number
    if last or view.gate is None or view.gate_open or look in _SAY_IT or seen.stage in _NO_MORE:
        return ""
    rule = seen.policy.gate(view.gate)
    if not rule.automatic:
        return f"The next follows after {opener(view.gate)}"
    return f"The next follows {duration(rule.delay_seconds)} later" if rule.delay_seconds else ""


def _countdown(seen: Snapshot, look: Look, now: datetime) -> Countdown | None:
    """Only where the rollout waits for nothing but the clock."""
    opens = opens_at(seen) if look is GATE_BY_ITSELF else None
    if opens is None:
        return None
    return Countdown(opens, max(1, round((opens - steady(seen, now)).total_seconds())))


#: Stages in which no batch follows another any more.
_NO_MORE = FINISHED | {Stage.CANCELLING, Stage.ROLLING_BACK}
