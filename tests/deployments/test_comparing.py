"""What ran before a deployment, and what it changes: told with counts, secrets kept."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import comparing, drafting, moves, submitting
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db


def settings_of(*names: str) -> dict[str, object]:
    """A package in which these parameters can be set, each a text."""
    target = [{"pointer": "X", "components": ["controller"]}]
    return {
        "parameters": {name: {"value": f"{name} as packed", "targets": target} for name in names},
        "sections": [
            {
                "name": "All",
                "settings": [
                    {"parameter": name, "name": name.title(), "schema": "text"} for name in names
                ],
            }
        ],
        "schemas": {"text": {"name": "text", "dataType": "string"}},
    }


def rolled_out(devices, version, name: str, **parameters: object) -> Deployment:
    made = plant.a_draft(devices, version)
    drafting.set_parameters(made, parameters, actor=None, now=plant.NOON)
    submitting.submit(made, actor=None, now=plant.NOON)
    Deployment.objects.filter(pk=made.pk).update(name=name)
    moves.start(made, actor=None, now=plant.NOON)
    plant.tick(made)
    return made


def installed(devices, version, name: str, **parameters: object) -> Deployment:
    made = rolled_out(devices, version, name, **parameters)
    for device in devices:
        plant.install(device)
    plant.tick(made)
    return made


@pytest.fixture
def fleet():
    return [plant.a_device() for _ in range(4)]


@pytest.fixture
def old():
    return plant.a_version("1.0.0", **settings_of("colour", "flavour", "api_token"))


@pytest.fixture
def new():
    return plant.a_version("2.0.0", **settings_of("colour", "shape", "api_token"))


def told(comparison: comparing.Comparison) -> set[tuple[str, str, str, str]]:
    return {(one.what, one.look.words, one.before, one.now) for one in comparison.differences}


def test_versions_before_are_counted_and_the_most_common_is_compared(fleet, old, new):
    most = installed(fleet[:2], old, "Most", colour="red")
    few = installed(fleet[2:3], old, "Few", colour="blue")
    now = rolled_out(fleet, new, "Now", colour="green")

    seen = comparing.compare(now, None)

    assert [(one.deployment.name, one.number) for one in seen.before] == [("Most", 2), ("Few", 1)]
    assert (seen.bare, seen.others, seen.against) == (1, 0, most)
    assert told(seen) == {
        ("Version", "Changed", "1.0.0", "2.0.0"),
        ("Colour", "Changed", "red", "green"),
        ("Shape", "Added", "", "shape as packed"),
        ("Flavour", "Removed", "flavour as packed", ""),
    }
    assert seen.same == 2
    assert ("Colour", "Changed", "blue", "green") in told(comparing.compare(now, few.pk))


def test_before_it_is_released_what_runs_now_is_what_ran_before(fleet, old, new):
    first = installed(fleet[:3], old, "First")
    ready = plant.a_ready_deployment(fleet, new)
    seen = comparing.compare(ready, None)
    assert (seen.against, seen.before[0].number, seen.bare) == (first, 3, 1)
    moves.start(ready, actor=None, now=plant.NOON)
    plant.tick(ready)
    for device in fleet:
        plant.install(device)
    plant.tick(ready)
    after = comparing.compare(ready, None)
    assert (after.against, after.before[0].number, after.bare) == (first, 3, 1)


def test_halfway_those_that_have_it_and_those_that_wait_are_counted_together(fleet, old, new):
    installed(fleet[:3], old, "First")
    rollout = plant.a_rollout(fleet, new, kind="rolling", batch_by="size", batch_size=2)
    assert plant.states_of(rollout) == {"pending": 2, "queued": 2}
    seen = comparing.compare(rollout, None)
    assert ([one.number for one in seen.before], seen.bare) == ([3], 1)


def test_a_changed_secret_is_told_and_never_shown(fleet, old, new):
    installed(fleet, old, "First", api_token="open sesame")
    now = rolled_out(fleet, new, "Now", api_token="close sesame")
    assert ("Api_Token", "Changed", "••••••••", "••••••••") in told(comparing.compare(now, None))
    text = page_of(now)
    assert "Api_Token" in text
    assert "sesame" not in text


def test_a_parameter_that_nobody_can_set_is_compared_and_kept_secret_too(fleet, old):
    packed = settings_of("colour", "flavour", "api_token")
    target = [{"pointer": "X", "components": ["controller"]}]
    packed["parameters"] |= {
        "limit": {"value": 3, "targets": target},
        "password": {"value": "hidden", "targets": target},
    }
    installed(fleet, old, "First")
    now = rolled_out(fleet, plant.a_version("3.0.0", **packed), "Now")
    assert told(comparing.compare(now, None)) == {
        ("Version", "Changed", "1.0.0", "3.0.0"),
        ("limit", "Added", "", "3"),
        ("password", "Added", "", "••••••••"),
    }


def page_of(deployment: Deployment, query: str = "") -> str:
    url = reverse("admin:deployments_deployment_compare", args=[deployment.pk]) + query
    viewer = cast.person(None, "watcher")
    from_role = cast.sign_in(viewer)
    assert from_role.get(url).status_code == 302
    return cast.sign_in(cast.viewer()).get(url).content.decode()


def test_where_nothing_ran_before_a_sentence_says_so(fleet, old):
    text = page_of(rolled_out(fleet, old, "First"))
    assert "Nothing of Mixer ran on its devices before" in text


def test_a_draft_says_where_its_devices_come_from(fleet, old):
    assert "set in the last step of the wizard" in page_of(plant.a_draft(fleet, old))


@pytest.mark.parametrize("query", ["?with=nonsense", f"?with={'9' * 40}", "?with=4711"])
def test_an_odd_address_compares_with_the_most_common(fleet, old, new, query):
    installed(fleet, old, "First")
    now = rolled_out(fleet, new, "Now")
    assert "What is different from First" in page_of(now, query)


def test_the_page_leads_to_the_comparison(fleet, old):
    made = rolled_out(fleet, old, "First")
    url = reverse("admin:deployments_deployment_page", args=[made.pk])
    text = cast.sign_in(cast.viewer()).get(url).content.decode()
    assert reverse("admin:deployments_deployment_compare", args=[made.pk]) in text


def test_more_devices_and_more_deployments_before_cost_no_more(old, new):
    costs = []
    for number in (2, 12):
        devices = [plant.a_device() for _ in range(number)]
        for index, device in enumerate(devices):
            installed([device], old, f"Before {index}")
        now = rolled_out(devices, new, "Now")
        with CaptureQueriesContext(connection) as seen:
            comparing.compare(now, None)
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 6
