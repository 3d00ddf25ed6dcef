"""A gate that the clock opens waits for nobody: the overview, the list and their badges say so."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import queries, standings
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.stages import BY_HAND

pytestmark = pytest.mark.django_db
LIST = "/deployments/deployment/"
SOON = {**BY_HAND, "canary_gate": "automatic", "canary_soak_seconds": 60}


@pytest.fixture
def viewer():
    return cast.sign_in(cast.viewer())


def at_its_gate(**rules: object) -> Deployment:
    """The canary is well; what follows is for the rules to say."""
    devices = stages.some(2)
    rollout = plant.a_rollout(devices, plant.a_version(app_id=f"app-{devices[0].pk}"), **rules)
    plant.install(devices[0])
    plant.tick(rollout)
    assert rollout.stage == "gate"
    return rollout


def listed(viewer, stage: str) -> set[Deployment]:
    lines = viewer.get(f"{LIST}?stage={stage}").context["lines"]
    return {line.deployment for line in lines}


def numbers() -> dict[str, int]:
    return {name: number for name, _, number in standings.counts() if number}


def test_who_is_needed_and_who_is_not_are_told_apart(viewer):
    by_hand, alone = at_its_gate(**BY_HAND), at_its_gate(**SOON)
    assert numbers() == {"gate": 1, "opening": 1}
    assert listed(viewer, "gate") == {by_hand}
    assert listed(viewer, "opening") == {alone}
    assert (by_hand.look.words, by_hand.look.tone) == ("Waiting for Promote Canary", "warn")
    assert (alone.look.words, alone.look.tone) == ("Waiting for the clock", "run")
    assert by_hand.opens_at is None
    assert alone.opens_at == plant.after(60)
    assert list(queries.in_progress()) == [by_hand, alone]


def test_the_line_says_when_the_next_batch_follows(viewer, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: plant.after(15))
    at_its_gate(**SOON)
    text = viewer.get(LIST).content.decode()
    assert "Waiting for the clock" in text
    assert ">in 45 s</time>" in text.split("next batch")[1]


def test_a_gate_with_a_delay_is_somebodys_again_when_nothing_is_installed():
    """The canary fails after its end, which may happen: the clock opens no gate for that."""
    rollout = at_its_gate(**{**SOON, "max_failures": 1})
    stages.fail(rollout.instances.get(state="installed").device, now=plant.after(5))
    plant.tick(rollout, plant.after(5))
    assert rollout.stage == "gate"
    assert rollout.opens_at is None
    assert numbers() == {"gate": 1}


def test_once_the_gate_is_open_nothing_is_left_of_it():
    rollout = at_its_gate(**SOON)
    plant.tick(rollout, plant.after(61))
    assert rollout.stage == "rolling"
    assert "opens_at" not in rollout.summary
    assert numbers() == {"rolling": 1}


def test_what_the_engine_stumbles_over_is_counted_and_listed_first(viewer):
    fine, broken = stages.held(plant.a_version()), stages.rolling(plant.a_version(app_id="press"))
    over = stages.cancelled(plant.a_version(app_id="saw"))
    Deployment.objects.exclude(pk=fine.pk).update(trouble="It stumbled over a stone.")
    assert numbers() == {"held": 1, "rolling": 1, "stumbled": 1}
    assert listed(viewer, "stumbled") == {broken}
    assert "The engine stumbles over it" in viewer.get(f"{LIST}?stage=stumbled").content.decode()
    assert "The engine stumbles over it" not in viewer.get(f"{LIST}?q=saw").content.decode()
    assert over not in queries.in_progress()
    newer = stages.rolling(plant.a_version(app_id="lathe"))
    Deployment.objects.filter(pk=newer.pk).update(updated_at=plant.after(99))
    assert list(queries.in_progress())[2:] == [newer]


def test_each_tile_leads_to_the_list_that_explains_its_number(viewer):
    stages.in_each_stage()
    at_its_gate(**SOON)
    Deployment.objects.filter(stage="paused").update(trouble="It stumbled over a stone.")
    text = viewer.get(reverse("admin:index")).content.decode()
    for name, look, number in standings.counts():
        assert number
        tile = text.split(f'href="{LIST}?stage={name}"')[1].split("</a>")[0]
        assert f'<strong class="tile-number">{number}</strong>' in tile
        assert look.words in tile
        assert len(listed(viewer, name)) == number


def test_the_tiles_are_one_query_however_many_there_are():
    version = plant.a_version()
    costs = []
    for number in (3, 27):
        for _ in range(number):
            plant.a_draft([], version)
        with CaptureQueriesContext(connection) as seen:
            standings.counts()
        costs.append(len(seen))
    assert costs == [1, 1]
