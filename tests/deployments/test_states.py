"""The table of stages: every stage and every action has its words, and one door."""

import ast
from pathlib import Path

import pytest

import deployments
from deployments.states import (
    ACTIVE,
    BAR_ORDER,
    ENDED,
    ENGINE_MOVES,
    FAILURE_WORDS,
    FINISHED,
    GATE_LOOKS,
    IN_FLIGHT,
    STAGE_LOOKS,
    STATE_LOOKS,
    STATUS_WORDS,
    UNDER_WAY,
    VERBS,
    Action,
    Failure,
    Gate,
    Stage,
    State,
    Status,
    Tone,
    allowed,
    refusal,
    stage_look,
)


def test_every_stage_state_status_and_failure_has_a_look_or_words():
    assert set(STAGE_LOOKS) == set(Stage)
    assert set(STATE_LOOKS) == set(State)
    assert set(STATUS_WORDS) == set(Status)
    assert set(FAILURE_WORDS) == set(Failure)
    assert set(VERBS) == set(Action)


def test_no_two_states_look_the_same():
    looks = [(look.mark, look.words) for look in STATE_LOOKS.values()]
    assert len(set(looks)) == len(looks)


def test_every_stage_can_be_reached_and_left_unless_it_is_the_end():
    reached = {Stage.DRAFT}
    reached |= {to for verb in VERBS.values() for to in verb.moves.values() if to}
    reached |= {to for targets in ENGINE_MOVES.values() for to in targets}
    assert reached == set(Stage)
    # None is the end for good: even a finished one can be undone, tried again or deleted.
    assert {stage for verb in VERBS.values() for stage in verb.moves} == set(Stage)
    assert FINISHED.isdisjoint(ENGINE_MOVES)
    assert set(ENGINE_MOVES) >= ACTIVE


def test_every_gate_has_a_look_and_an_action_that_opens_it():
    assert set(GATE_LOOKS) == set(Gate)
    opening = {verb.gate: action for action, verb in VERBS.items() if verb.gate}
    assert opening == {Gate.CANARY: Action.PROMOTE_CANARY, Gate.BATCH: Action.APPROVE_BATCH}
    for gate, action in opening.items():
        assert stage_look(Stage.GATE, Status.INSTALLING, gate) == GATE_LOOKS[gate]
        assert set(opening.values()) & set(allowed(Stage.GATE, gate)) == {action}
        assert GATE_LOOKS[gate].words == f"Waiting for {VERBS[action].words}"


def test_one_that_ended_badly_does_not_look_like_one_that_ended_well():
    for stage in (Stage.COMPLETED, Stage.ROLLED_BACK):
        assert stage_look(stage, Status.FAILED).tone is Tone.BAD
        assert stage_look(stage, Status.INSTALLED) == STAGE_LOOKS[stage]
        assert stage_look(stage, Status.FAILED).words != STAGE_LOOKS[stage].words


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("stage", Stage)
def test_a_refusal_names_every_stage_in_which_it_would_be_possible(action, stage):
    said = refusal(action, stage)
    verb = VERBS[action]
    assert said.startswith(f"is {STAGE_LOOKS[stage].words.lower()}: {verb.words} is possible")
    if verb.gate is None:
        assert all(STAGE_LOOKS[one].words.lower() in said for one in verb.moves)
    else:
        assert said.endswith(GATE_LOOKS[verb.gate].words.lower())


def test_every_instance_state_is_queued_under_way_going_back_or_over():
    rest = {State.QUEUED, State.REMOVING}
    assert ENDED | IN_FLIGHT | rest == set(State)
    assert set() == ENDED & IN_FLIGHT
    assert set(BAR_ORDER) == set(State)
    assert len(BAR_ORDER) == len(State)
    # Left for later: over for its batch, under way for the deployment.
    assert {State.DEFERRED} == ENDED & UNDER_WAY


def test_stages_and_states_are_written_behind_one_door():
    root = Path(deployments.__file__).parent
    doors = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        if "migrations" not in path.parts and _writes_a_state(path)
    }
    assert doors == {"moves"}


def _writes_a_state(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    updates = [c for c in calls if getattr(c.func, "attr", "") in {"update", "_write", "move"}]
    updates += [c for c in calls if getattr(c.func, "id", "") in {"_write"}]
    named = {word.arg for call in updates for word in call.keywords}
    stores = {
        target.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }
    return bool((named | stores) & {"stage", "status"}) or (
        "state" in (named | stores) and "Instance" in path.read_text(encoding="utf-8")
    )
