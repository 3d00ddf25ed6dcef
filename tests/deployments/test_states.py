"""The table of stages: every stage and every action has its words, and one door."""

import ast
import itertools
from pathlib import Path

import pytest

import deployments
from deployments import moves
from deployments.models import Deployment
from deployments.states import (
    ENGINE_MOVES,
    FAILURE_WORDS,
    FINISHED,
    STAGE_LOOKS,
    STATE_LOOKS,
    STATUS_WORDS,
    VERBS,
    Action,
    Failure,
    Stage,
    State,
    Status,
    allowed,
    refusal,
)
from tests.deployments import plant
from tests.deployments.plant import NOON

VERB_OF = {
    Action.START: moves.start,
    Action.CANCEL: moves.cancel,
    Action.DELETE: moves.delete,
    Action.EDIT: moves.reopen,
}


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
    left = {stage for verb in VERBS.values() for stage in verb.moves}
    assert left == set(Stage) - {Stage.CANCELLING} | (left & {Stage.CANCELLING})
    assert FINISHED.isdisjoint(ENGINE_MOVES)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stage", "action"),
    [pytest.param(*pair, id="-".join(pair)) for pair in itertools.product(Stage, VERB_OF)],
)
def test_an_action_does_what_the_table_says_or_refuses_with_its_sentence(stage, action):
    deployment = plant.a_ready_deployment([plant.a_device()])
    Deployment.objects.filter(pk=deployment.pk).update(stage=stage)
    deployment.refresh_from_db()
    events = deployment.events.count()
    if stage not in VERBS[action].moves:
        with pytest.raises(moves.MoveRefusedError) as caught:
            VERB_OF[action](deployment, actor=None, now=NOON)
        assert str(caught.value) == f"Rollout {refusal(action, stage)}."
        assert deployment.events.count() == events
        assert action not in allowed(stage)
        return
    VERB_OF[action](deployment, actor=None, now=NOON)
    to = VERBS[action].moves[stage]
    row = Deployment.objects.listed().filter(pk=deployment.pk).first()
    if to is None:
        assert row is None
        return
    assert row is not None
    assert row.stage == to
    expected = 0 if to == stage else 1
    moved = row.events.filter(kind="moved", from_stage=stage, to_stage=to)
    assert moved.count() == expected


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
