"""`manage.py explain`: the planner's own reasons, and what a deployment waits for."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from deployments import explaining, moves
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("explain", *arguments, stdout=out)
    return out.getvalue()


def test_it_gives_the_reasons_of_the_steps_that_the_engine_then_takes():
    deployment = plant.a_ready_deployment([plant.a_device()])
    moves.start(deployment, actor=None, now=plant.NOON)
    expected = explaining.explain(deployment, now=plant.NOON).steps
    assert expected == ["All devices: released to 1 device."]
    assert "    All devices: released to 1 device.\n" in told("Rollout")
    assert plant.tick(deployment) == expected


def test_it_says_what_is_waited_for():
    rules = {"kind": "canary", "canary_gate": "automatic", "canary_soak_seconds": 60}
    devices = [plant.a_device() for _ in range(2)]
    deployment = plant.a_rollout(devices, **rules)
    seen = explaining.explain(deployment, now=after(5))
    assert seen.steps == []
    assert seen.waiting[0] == "1 device: fetching or installing it."
    assert seen.next_look == after(86_400)
    plant.install(devices[0], after(6))
    plant.tick(deployment, after(6))
    assert explaining.explain(deployment, now=after(6)).waiting == [
        "The canary is well: 1 of 1 installed.",
        "In 1 minute it goes to the other device, or at once with Promote Canary.",
    ]


def test_it_changes_nothing(django_assert_num_queries):
    deployment = plant.a_rollout([plant.a_device()])
    before = type(deployment).objects.filter(pk=deployment.pk).values().get()
    with django_assert_num_queries(3):
        told(str(deployment.pk))
    assert type(deployment).objects.filter(pk=deployment.pk).values().get() == before


def test_deployments_of_the_same_name_are_all_explained():
    plant.a_draft([plant.a_device()])
    plant.a_draft([plant.a_device()], plant.a_version("2.0.0"))
    assert told("Rollout").count("Somebody has to finish the draft.") == 2


def test_json_is_for_programs():
    deployment = plant.a_ready_deployment([plant.a_device()])
    at = timezone.now() + timedelta(hours=1)
    moves.schedule(deployment, at, actor=None, now=timezone.now())
    row = json.loads(told(str(deployment.pk), "--json"))
    assert (row["stage"], row["next"]) == ("ready", [])
    assert row["next_look"] == at.isoformat()


def test_trouble_is_told():
    deployment = plant.a_rollout([plant.a_device()])
    deployment.trouble, deployment.held_until = "The engine stumbled.", timezone.now()
    deployment.save(update_fields=["trouble", "held_until"])
    assert "Trouble: The engine stumbled." in told("Rollout")


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(CommandError, match=r"There is no deployment Nothing\."):
        told("Nothing")


def test_what_is_over_says_how_it_ended():
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.install(device)
    plant.tick(deployment)
    said = told("Rollout")
    assert "Waiting for" not in said
    assert "The end:\n    It is over. The devices keep the application" in said
