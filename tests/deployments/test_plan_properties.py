"""What the planner never does, whatever it sees: properties over fleets in any state."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.planner import (
    BatchView,
    Begin,
    Defer,
    EndBatch,
    Finish,
    GateRule,
    GiveUp,
    Hold,
    NothingToRemove,
    Offline,
    OpenGate,
    Policy,
    Release,
    Restore,
    RollBack,
    Snapshot,
    Step,
    WaitAtGate,
    amount,
    breach,
    next_look,
    plan,
    steps,
    unhealthy,
)
from deployments.states import (
    ACTIVE,
    ENGINE_MOVES,
    FINISHED,
    IN_FLIGHT,
    UNDER_WAY,
    Failure,
    Gate,
    Stage,
    State,
)
from tests.deployments.seen import NOON, after

#: Limits in seconds; small ones, so that clocks and limits meet often.
INSTALL, COME, SOON = 40, 60, 20
STAGES_UNDER_WAY = sorted(ACTIVE)
MANY = settings(max_examples=120, deadline=None)
SOME = settings(max_examples=40, deadline=None)


@dataclass(frozen=True)
class Part:
    """One device's part: what the table of instances has of it."""

    state: State
    released_at: datetime = NOON
    fetched_at: datetime | None = None
    tries_left: bool = False
    unrestored: bool = False
    silent: bool = False

    @property
    def moving(self) -> bool:
        return self.state in IN_FLIGHT | {State.REMOVING}

    def came_by(self, now: datetime, seconds: int) -> bool:
        return self.fetched_at is not None or self.released_at + timedelta(seconds=seconds) > now


@dataclass(frozen=True)
class Fleet:
    """A deployment as rows, of which a snapshot can be taken at any time."""

    seen: Snapshot
    parts: tuple[tuple[Part, ...], ...]

    def at(self, now: datetime) -> Snapshot:
        """As the engine counts it: only the limits that ran out depend on the clock."""
        batches = zip(self.seen.batches, self.parts, strict=True)
        everyone = [part for parts in self.parts for part in parts]
        unfetched = [part for part in everyone if part.fetched_at is None]
        watched = self.seen.policy.offline is not Offline.WAIT
        coming = [one.released_at for one in unfetched if one.moving or one.state == "deferred"]
        absent = [one.released_at for one in unfetched if one.state in IN_FLIGHT]
        fetched = [one.fetched_at for one in everyone if one.moving and one.fetched_at]
        return replace(
            self.seen,
            batches=tuple(self._counted(batch, parts, now) for batch, parts in batches),
            first_fetch=min(fetched, default=None),
            first_unreached_release=min(coming, default=None),
            first_absent_release=min(absent, default=None) if watched else None,
            first_silence=min((one.fetched_at for one in everyone if one.silent), default=None),
        )

    def _counted(self, batch: BatchView, parts: tuple[Part, ...], now: datetime) -> BatchView:
        watched = self.seen.policy.offline is not Offline.WAIT
        limit = timedelta(seconds=INSTALL)
        return replace(
            batch,
            counts=Counter(part.state for part in parts),
            retryable=sum(part.tries_left for part in parts),
            unrestored=sum(part.unrestored for part in parts),
            late_installing=sum(
                part.moving and part.fetched_at is not None and part.fetched_at + limit <= now
                for part in parts
            ),
            unheard=sum(part.silent and part.fetched_at + limit <= now for part in parts),
            late_unreached=sum(
                (part.moving or part.state == "deferred") and not part.came_by(now, COME)
                for part in parts
            ),
            late_absent=sum(
                watched and part.state in IN_FLIGHT and not part.came_by(now, SOON)
                for part in parts
            ),
        )


#: A fleet is made from a seed: shrinking whole fleets would take longer than reading one.
SEEDS = st.integers(0, 2**32 - 1)


def a_fleet(seed, stages=STAGES_UNDER_WAY, such_that=lambda fleet: True):
    """A fleet at noon in one of these stages, in any state that fits it."""
    chance = Random(seed)
    for _ in range(10_000):
        fleet = _fleet(chance, stages)
        if such_that(fleet):
            return fleet
    raise AssertionError("No fleet is like that.")


def _fleet(chance, stages):
    stage = chance.choice(stages)
    number = chance.randint(2 if stage is Stage.GATE else 1, 4)
    everyone = _everyone(chance, number, stage)
    at_gate = stage is Stage.GATE
    seen = Snapshot(
        stage,
        _policy(chance),
        tuple(_batch(chance, index, everyone) for index in range(number)),
        start_at=chance.choice([None, _time(chance)]) if stage is Stage.READY else None,
        gate_batch=chance.randint(1, number - 1) if at_gate else None,
        gate_since=_time(chance) if at_gate else None,
    )
    return Fleet(seen, everyone)


def _time(chance):
    """Mostly within all limits."""
    return after(-chance.randint(0, 15 if chance.random() < 0.7 else 70))


def _everyone(chance, number, stage):
    """Half of the fleets as a rollout leaves them: what is over first, then what is queued."""
    if chance.random() < 0.5:
        possible = _possible(chance, stage)
        return tuple(_parts(chance, stage, possible) for _ in range(number))
    current = chance.randint(0, number - 1)
    over = {State.INSTALLED, chance.choice([State.FAILED, State.SKIPPED, State.DEFERRED])}
    kinds = (
        [over] * current + [_possible(chance, stage)] + [{State.QUEUED}] * (number - current - 1)
    )
    return tuple(_parts(chance, stage, kind) for kind in kinds)


def _possible(chance, stage):
    """What a rollback has been through is as likely as what it has not."""
    going_back = {State.REMOVING, State.REMOVED}
    if stage is not Stage.ROLLING_BACK:
        return set(State) - going_back
    return set(State) if chance.random() < 0.5 else going_back | {State.CANCELLED}


def _parts(chance, stage, possible):
    """Of a few states, so that batches that are over, or queued, are no rarity."""
    some = chance.sample(sorted(possible), min(len(possible), chance.randint(1, 3)))
    return tuple(_part(chance, chance.choice(some), stage) for _ in range(chance.randint(0, 4)))


def _part(chance, state, stage):
    came = state is State.INSTALLING or (state is not State.DEFERRED and chance.random() < 0.5)
    failed, undoing = state is State.FAILED, stage is Stage.ROLLING_BACK
    return Part(
        state,
        released_at=_time(chance),
        fetched_at=_time(chance) if came else None,
        tries_left=failed and not undoing and chance.random() < 0.3,
        unrestored=failed and undoing and chance.random() < 0.7,
        silent=came and state is State.REMOVING and chance.random() < 0.8,
    )


def _policy(chance):
    rules = {gate: GateRule(chance.random() < 0.5, chance.choice([0, 30])) for gate in Gate}
    return Policy(
        max_failures=amount(chance.choice(["0", "1", "50 %", "99.99 %"])),
        install_timeout_seconds=INSTALL,
        offline=chance.choice(list(Offline)),
        offline_wait_seconds=COME,
        offline_after_seconds=SOON,
        gates=rules,
        rollback_percent=chance.choice([None, None, Decimal(0), Decimal("33.33")]),
        rollback_count=chance.choice([None, None, 0, 2]),
        rollback_min_released=chance.choice([1, 3]),
    )


def _batch(chance, index, everyone):
    own = everyone[index]
    open_ones = UNDER_WAY - {State.DEFERRED} | {State.QUEUED, State.REMOVING}
    over = not any(part.state in open_ones or part.tries_left for part in own)
    return BatchView(
        number=index + 1,
        name=f"Batch {index + 1}",
        size=len(own),
        released=any(part.state is not State.QUEUED for part in own),
        ended=over and chance.random() < 0.8,
        counts={},
        gate=None if index + 1 == len(everyone) else chance.choice(list(Gate)),
        gate_open=chance.random() < 0.5,
        accepted=chance.choice([0, 0, 2]),
    )


def steps_of(fleet, kind, now=NOON):
    return [step for step in plan(fleet.at(now), now) if isinstance(step, kind)]


def passed(seen, batch):
    """Somebody or a delay opened its gate, or it is one that nobody waits at."""
    rule = seen.policy.gate(batch.gate)
    return batch.gate_open or (rule.automatic and not rule.delay_seconds and batch.installed > 0)


def test_the_fleets_give_the_planner_everything_to_do():
    done = Counter()
    for seed in range(2000):
        fleet = a_fleet(seed, [*STAGES_UNDER_WAY, Stage.READY])
        done.update({type(step) for step in plan(fleet.at(NOON), NOON)})
    kinds = {kind for kind in vars(steps).values() if isinstance(kind, type)}
    assert set(done) == {kind for kind in kinds if issubclass(kind, Step)} - {Step}
    assert min(done.values()) >= 5, done


@given(SEEDS)
@SOME
def test_a_batch_is_released_only_behind_those_that_have_ended_and_an_open_gate(seed):
    fleet = a_fleet(seed, [Stage.ROLLING], lambda fleet: steps_of(fleet, Release))
    seen = fleet.at(NOON)
    [release] = steps_of(fleet, Release)
    before = [batch for batch in seen.batches if batch.number < release.batch]
    assert all(batch.ended and not batch.queued for batch in before)
    assert all(passed(seen, batch) for batch in before[-1:])
    assert release.opens == (before[-1].number if before else None)


@given(SEEDS)
@MANY
def test_at_most_one_batch_is_released_at_a_time_and_only_while_rolling(seed):
    fleet = a_fleet(seed)
    releases = steps_of(fleet, Release)
    assert len(releases) <= 1
    assert not releases or fleet.seen.stage is Stage.ROLLING


def _too_many_failed(fleet):
    seen = fleet.at(NOON)
    held = seen.count(State.QUEUED) and any(unhealthy(one, seen.policy) for one in seen.batches)
    return held or breach(seen)


@given(SEEDS)
@SOME
def test_nothing_goes_on_with_too_many_failures(seed):
    fleet = a_fleet(seed, [Stage.ROLLING, Stage.GATE], _too_many_failed)
    assert not steps_of(fleet, Release | OpenGate | WaitAtGate | EndBatch | Finish)


@given(SEEDS)
@SOME
def test_it_is_held_only_while_something_is_queued_for_more_failures_than_accepted(seed):
    fleet = a_fleet(seed, [Stage.ROLLING, Stage.GATE], lambda fleet: steps_of(fleet, Hold))
    seen = fleet.at(NOON)
    assert seen.count(State.QUEUED)
    for step in steps_of(fleet, Hold):
        batch = seen.batches[step.batch - 1]
        assert batch.failed > batch.accepted
        assert batch.failed > seen.policy.max_failures.of(batch.size)


@given(SEEDS)
@SOME
def test_a_breach_undoes_it_before_anything_else_but_the_limits(seed):
    watched = [Stage.ROLLING, Stage.GATE, Stage.HELD, Stage.PAUSED]
    fleet = a_fleet(seed, watched, lambda fleet: breach(fleet.at(NOON)))
    steps = {type(step) for step in plan(fleet.at(NOON), NOON)}
    assert steps == {RollBack} or (steps and steps <= {GiveUp, Defer})


@given(SEEDS)
@MANY
def test_it_is_undone_only_beyond_a_threshold(seed):
    fleet = a_fleet(seed, such_that=lambda fleet: not breach(fleet.at(NOON)))
    assert not steps_of(fleet, RollBack)


@pytest.mark.parametrize(
    ("stages", "allowed"),
    [
        ([Stage.PAUSED, Stage.HELD], GiveUp | Defer | EndBatch | RollBack),
        ([Stage.CANCELLING], GiveUp | Defer | EndBatch | Finish),
        ([Stage.ROLLING_BACK], GiveUp | NothingToRemove | Restore | Finish),
        ([Stage.READY], Begin),
        (sorted({Stage.DRAFT, Stage.AWAITING_APPROVAL} | FINISHED), GiveUp | Defer),
    ],
)
@given(seed=SEEDS)
@MANY
def test_what_may_happen_in_a_stage(stages, allowed, seed):
    fleet = a_fleet(seed, stages)
    assert all(isinstance(step, allowed) for step in plan(fleet.at(NOON), NOON))


@given(SEEDS)
@MANY
def test_a_deployment_never_ends_with_devices_under_way(seed):
    fleet = a_fleet(seed, such_that=lambda fleet: steps_of(fleet, Finish))
    seen = fleet.at(NOON)
    [last] = steps_of(fleet, Finish)
    assert not seen.count(*UNDER_WAY, State.REMOVING, State.QUEUED)
    assert last.stage in FINISHED


@given(SEEDS)
@MANY
def test_a_batch_never_ends_with_devices_under_way_or_with_tries_left(seed):
    fleet = a_fleet(seed, such_that=lambda fleet: steps_of(fleet, EndBatch))
    for step in steps_of(fleet, EndBatch):
        batch = fleet.at(NOON).batches[step.batch - 1]
        assert not batch.ended
        assert not batch.count(*IN_FLIGHT, State.QUEUED, State.REMOVING)
        assert not batch.retryable


LEADS_TO = {
    Begin: Stage.ROLLING,
    Hold: Stage.HELD,
    RollBack: Stage.ROLLING_BACK,
    WaitAtGate: Stage.GATE,
    OpenGate: Stage.ROLLING,
}


@given(SEEDS)
@MANY
def test_every_move_it_asks_for_is_one_that_the_engine_may_make(seed):
    fleet = a_fleet(seed, sorted(Stage))
    for step in plan(fleet.at(NOON), NOON):
        to = step.stage if isinstance(step, Finish) else LEADS_TO.get(type(step))
        assert to is None or to in ENGINE_MOVES[fleet.seen.stage]


@given(SEEDS, st.integers(0, 120))
@MANY
def test_while_there_is_nothing_to_do_the_next_look_is_when_there_is(seed, seconds):
    now = after(seconds)
    stages = [*STAGES_UNDER_WAY, Stage.READY]
    fleet = a_fleet(seed, stages, lambda fleet: not plan(fleet.at(now), now))
    look = next_look(fleet.at(now))
    if look is None:
        # No limit will ever run out: the clock alone changes nothing.
        assert not plan(fleet.at(after(100_000)), after(100_000))
        return
    assert look > now
    assert plan(fleet.at(look), look)
    just_before = look - timedelta(microseconds=1)
    assert not plan(fleet.at(just_before), just_before)


@given(SEEDS, st.integers(0, 120))
@MANY
def test_the_same_snapshot_gives_the_same_plan_and_every_step_has_its_reason(seed, seconds):
    now, fleet = after(seconds), a_fleet(seed)
    steps = plan(fleet.at(now), now)
    assert steps == plan(fleet.at(now), now)
    assert all(step.reason.endswith(".") and "  " not in step.reason for step in steps)


@given(SEEDS)
@MANY
def test_who_is_given_up_is_over_a_limit_and_the_sentence_counts_them(seed):
    fleet = a_fleet(seed, such_that=lambda fleet: steps_of(fleet, GiveUp))
    seen = fleet.at(NOON)
    for step in steps_of(fleet, GiveUp):
        batch = seen.batches[step.batch - 1]
        over = batch.late_installing
        if step.failure is Failure.UNREACHABLE:
            over = batch.late_unreached or batch.late_absent
        assert step.reason.startswith(f"{batch.name}: {over} device")
        assert step.failure in {Failure.TIMED_OUT, Failure.UNREACHABLE}
