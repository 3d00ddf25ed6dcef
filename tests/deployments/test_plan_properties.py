"""What the planner never does, whatever it sees: properties over fleets in any state."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.planner import (
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
    RollBack,
    Step,
    WaitAtGate,
    breach,
    next_look,
    plan,
    steps,
    unhealthy,
)
from deployments.states import ENGINE_MOVES, FINISHED, IN_FLIGHT, UNDER_WAY, Failure, Stage, State
from tests.deployments.fleets import SEEDS, STAGES_UNDER_WAY, a_fleet
from tests.deployments.seen import NOON, after

MANY = settings(max_examples=120, deadline=None)
SOME = settings(max_examples=40, deadline=None)


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
