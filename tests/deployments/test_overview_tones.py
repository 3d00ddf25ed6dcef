"""The dots of the overview's history say how it went, never green for what went wrong."""

import re

import pytest
from django.urls import reverse

from accounts.roles import Role
from deployments import moves
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db
TWO_BATCHES = {"kind": "rolling", "batch_by": "size", "batch_size": 2, "batch_gate": "manual"}


def shown_tones() -> dict[str, str]:
    """The tone of each line of the overview's history, by its sentence."""
    page = cast.sign_in(cast.person(Role.VIEWER, "eva")).get(reverse("admin:index"))
    happened = page.content.decode().split("What happened lately")[1]
    found = re.findall(r'<li class="tone-(\w+)">.*?</a>: (.*?)</p>', happened, re.DOTALL)
    return {sentence: tone for tone, sentence in found}


def a_fleet_with_one_failure(**rules: object) -> Deployment:
    devices = stages.some(2 if not rules else 4)
    rollout = plant.a_rollout(devices, **rules)
    stages.fail(devices[0])
    stages.install(devices[1:2])
    plant.tick(rollout)
    return rollout


def test_what_ended_with_failures_has_no_green_dot():
    rollout = a_fleet_with_one_failure()
    assert rollout.stage == "completed"
    tones = shown_tones()
    assert tones["Completed: 1 of 2 failed, 0 allowed."] == "bad"
    assert tones["All devices ended: 1 installed, 1 failed."] == "bad"


def test_what_ended_well_has():
    stages.completed(plant.a_version())
    tones = shown_tones()
    assert tones["Completed: 1 of 1 installed."] == "ok"
    assert tones["All devices ended: 1 installed."] == "ok"


def test_a_batch_that_ended_with_failures_has_none_either():
    assert a_fleet_with_one_failure(**TWO_BATCHES).stage == "held"
    assert shown_tones()["Batch 1 ended: 1 installed, 1 failed."] == "bad"


def test_a_second_try_does_not_colour_the_end_before_it():
    rollout = a_fleet_with_one_failure()
    moves.retry_failed(rollout, actor=None, now=plant.NOON)
    assert shown_tones()["Completed: 1 of 2 failed, 0 allowed."] == "bad"
