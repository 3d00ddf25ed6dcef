"""The deeds of the history: whatever happens to a deployment is exactly one of them."""

import pytest

from deployments import deeds, moves
from deployments.deeds import DEEDS
from deployments.models import Event
from deployments.states import ENGINE_MOVES, VERBS, Action
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def test_everything_that_happens_to_deployments_is_exactly_one_deed():
    stages.in_each_stage()
    rows = set(Event.objects.values_list("kind", "from_stage", "to_stage"))
    assert len(rows) > 12
    for row in rows:
        assert len([name for name, deed in DEEDS.items() if deed.tells_event(*row)]) == 1, row


def test_every_move_of_the_two_tables_is_exactly_one_deed():
    by_people = [
        (verb, before, after)
        for verb, row in VERBS.items()
        for before, after in row.moves.items()
        if after is not None and before != after
    ]
    own = {
        Action.DENY: "denied",
        Action.RETRY_FAILED: "retried",
        Action.GIVE_UP: "gave_up",
        Action.SCHEDULE: "scheduled",
    }
    told = [(own.get(verb, "moved"), before, after) for verb, before, after in by_people]
    told += [("moved", before, to) for before, after in ENGINE_MOVES.items() for to in after]
    for row in told:
        assert len([name for name, deed in DEEDS.items() if deed.tells_event(*row)]) == 1, row


def test_the_database_finds_the_same_deeds():
    stages.in_each_stage()
    for deed in DEEDS.values():
        found = Event.objects.filter(deed.events())
        rows = Event.objects.values_list("pk", "kind", "from_stage", "to_stage")
        assert {one.pk for one in found} == {pk for pk, *row in rows if deed.tells_event(*row)}


def test_a_denial_is_told_from_a_cancellation():
    waiting = stages.awaiting_approval(plant.a_version())
    moves.deny(waiting, actor=cast.admin(), now=plant.NOON)
    assert Event.objects.filter(DEEDS["denied"].events()).count() == 1
    assert not Event.objects.filter(DEEDS["cancelled"].events()).exists()


def test_a_kind_that_nobody_named_has_its_own_word():
    assert deeds.of_event("moon_landing", "", "").words == "Moon landing"
