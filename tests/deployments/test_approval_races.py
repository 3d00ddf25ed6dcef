"""Decisions about an approval at the same moment: one stands, the other is told.

Each race has a twin that takes the guard away and shows that the race exists.
"""

from collections.abc import Mapping

import pytest

from deployments import engine, events, moves, submitting
from deployments.models import Deployment
from deployments.moves import approving, door, steps
from tests.deployments import plant
from tests.deployments.plant import NOON, after
from tests.deployments.racing import at_once, both_reach, first_waits, in_between

pytestmark = pytest.mark.django_db(transaction=True)

CHANGED = "Rollout changed while you were looking at it."
GUARD = pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])


def a_waiting_deployment() -> Deployment:
    draft = plant.a_draft([plant.a_device()])
    submitting.submit(draft, actor=None, now=NOON, ask_approval=True)
    return draft


def read(deployment: Deployment) -> Deployment:
    return Deployment.objects.get(pk=deployment.pk)


def _unguarded_move(
    deployment: Deployment, to: str, sentence: str, *, changes: Mapping[str, object], **_: object
) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(stage=to, **changes)
    events.record(deployment, "moved", sentence, now=NOON)


def refusals(outcomes: list[object]) -> list[str]:
    return [str(one) for one in outcomes if one is not None]


@GUARD
@pytest.mark.parametrize("other", ["approve", "deny"])
def test_of_two_decisions_at_once_one_stands(
    other: str, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = a_waiting_deployment()
    both_reach(monkeypatch, approving, "stage_after")
    if not guarded:
        monkeypatch.setattr(approving, "move", _unguarded_move)
    decisions = (moves.approve, getattr(moves, other))
    outcomes = at_once(
        *[lambda decide=one: decide(read(waiting), actor=None, now=NOON) for one in decisions]
    )
    decided = waiting.events.filter(sentence__in=["Approved.", "Denied."]).count()
    if guarded:
        assert refusals(outcomes) == [CHANGED]
        assert decided == 1
        approved = read(waiting).stage == "ready"
        assert plant.states_of(waiting) == ({"queued": 1} if approved else {"cancelled": 1})
    else:
        assert (refusals(outcomes), decided) == ([], 2)


@GUARD
def test_what_is_opened_for_editing_in_the_moment_of_its_approval_is_not_approved(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = a_waiting_deployment()
    if not guarded:
        monkeypatch.setattr(approving, "move", _unguarded_move)
    reached, go_on = first_waits(monkeypatch, approving, "stage_after")
    outcomes = at_once(
        lambda: moves.approve(read(waiting), actor=None, now=NOON),
        in_between(reached, go_on, lambda: moves.reopen(read(waiting), actor=None, now=NOON)),
    )
    row = read(waiting)
    if guarded:
        assert refusals(outcomes) == [CHANGED]
        assert (row.stage, row.approved_digest, row.instances.count()) == ("draft", "", 0)
    else:
        # Approved without a plan.
        assert (row.stage, row.instances.count()) == ("ready", 0)
        assert row.approved_digest != ""


@GUARD
def test_another_plan_submitted_in_the_moment_of_the_approval_is_not_approved_with_it(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage is the same again, so only the count of edits tells them apart."""
    waiting = a_waiting_deployment()
    if not guarded:
        monkeypatch.setattr(door, "unmoved", _without("moves_made", "edits"))

    def plan_anew() -> None:
        draft = read(waiting)
        moves.reopen(draft, actor=None, now=NOON)
        draft.targeting = {"ids": [plant.a_device().pk]}
        draft.save(update_fields=["targeting"])
        submitting.submit(draft, actor=None, now=NOON, ask_approval=True)

    reached, go_on = first_waits(monkeypatch, approving, "stage_after")
    outcomes = at_once(
        lambda: moves.approve(read(waiting), actor=None, now=NOON),
        in_between(reached, go_on, plan_anew),
    )
    row = read(waiting)
    assert refusals(outcomes) == ([CHANGED] if guarded else [])
    assert row.stage == ("awaiting_approval" if guarded else "ready")
    # Even then nothing starts that nobody looked at.
    with pytest.raises(moves.MoveRefusedError):
        moves.start(row, actor=None, now=NOON)


@GUARD
def test_a_time_to_start_that_is_set_in_the_moment_of_the_approval_is_not_lost(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = a_waiting_deployment()
    if not guarded:
        monkeypatch.setattr(door, "unmoved", _without("moves_made"))
    reached, go_on = first_waits(monkeypatch, approving, "stage_after")
    outcomes = at_once(
        lambda: moves.approve(read(waiting), actor=None, now=NOON),
        in_between(
            reached,
            go_on,
            lambda: moves.schedule(read(waiting), after(600), actor=None, now=NOON),
        ),
    )
    row = read(waiting)
    if guarded:
        assert refusals(outcomes) == [CHANGED]
        assert (row.stage, row.start_at) == ("awaiting_approval", after(600))
    else:
        assert (row.stage, row.start_at) == ("ready", None)


@GUARD
def test_a_time_that_is_put_off_in_its_last_moment_starts_nothing(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = plant.a_ready_deployment([plant.a_device()])
    moves.schedule(ready, after(600), actor=None, now=NOON)
    if not guarded:
        for module in (door, steps):
            monkeypatch.setattr(module, "unmoved", _without("moves_made"))
    reached, go_on = first_waits(monkeypatch, engine, "plan")
    outcomes = at_once(
        lambda: engine.tick(ready.pk, now=after(600)) and None,
        in_between(
            reached,
            go_on,
            lambda: moves.schedule(read(ready), after(900), actor=None, now=after(600)),
        ),
    )
    assert outcomes == [None, None]
    row = read(ready)
    if guarded:
        assert (row.stage, row.start_at) == ("ready", after(900))
        engine.tick(ready.pk, now=after(900))
        assert read(ready).stage == "rolling"
    else:
        assert row.stage == "rolling"


def _without(*names: str):
    """The guard of every move, blind to some of its columns."""
    seen = ("stage", "moves_made", "edits")

    def unmoved(deployment: Deployment, *, claimed: bool = False):
        same = {column: getattr(deployment, column) for column in seen if column not in names}
        return Deployment.objects.filter(pk=deployment.pk, **same)

    return unmoved
