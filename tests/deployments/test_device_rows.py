"""The devices on a deployment's page: filters that combine, and the same devices as a file."""

import csv
import io
from datetime import datetime
from urllib.parse import quote

import pytest
from django.urls import reverse

from deployments import device_rows
from deployments.models import Deployment, Instance
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def url(route: str, deployment: Deployment, query: str = "") -> str:
    return reverse(f"admin:deployments_deployment_{route}", args=[deployment.pk]) + query


def named(*paths: str):
    return [plant.a_device(path=path) for path in paths]


@pytest.fixture
def rollout() -> Deployment:
    """The first batch (a, b) is over: a has it, b failed, which is allowed; c waits at the gate."""
    devices = named("a", "b", "c")
    made = plant.a_rollout(
        devices, kind="rolling", batch_by="size", batch_size=2, max_failures=1, batch_gate="manual"
    )
    plant.install(devices[0])
    stages.fail(devices[1], error="=1+1")
    plant.tick(made)
    return made


@pytest.fixture
def browser():
    return cast.sign_in(cast.viewer())


def shown(browser, deployment: Deployment, query: str) -> list[str]:
    answer = browser.get(url("page", deployment, query))
    return [instance.device.path for instance, _ in answer.context["rows"]]


def exported(browser, deployment: Deployment, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(url("export", deployment, query))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode())))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ["a", "b", "c"], id="all"),
        pytest.param("?batch=1", ["a", "b"], id="a batch"),
        pytest.param("?batch=1&state=failed", ["b"], id="batch and state"),
        pytest.param("?batch=2&state=failed", [], id="none in that batch"),
        pytest.param("?batch=1&q=a", ["a"], id="batch and search"),
        pytest.param("?batch=9", ["a", "b", "c"], id="a batch that there is not"),
        pytest.param("?batch=nonsense", ["a", "b", "c"], id="no number"),
        pytest.param(f"?batch={'9' * 40}", ["a", "b", "c"], id="absurd number"),
    ],
)
def test_filters_combine_on_the_page_and_in_the_file(browser, rollout, query, found):
    assert shown(browser, rollout, query) == found
    assert [row["device"] for row in exported(browser, rollout, query)] == found


def test_the_ladder_leads_to_the_devices_of_each_batch(browser, rollout):
    text = browser.get(url("page", rollout)).content.decode()
    assert '<a href="?batch=2#devices">Batch 2</a>' in text


def test_a_chosen_batch_stays_while_states_are_looked_through(browser, rollout):
    text = browser.get(url("page", rollout, "?batch=1&q=a")).content.decode()
    assert 'href="?batch=1&amp;q=a&amp;state=failed"' in text
    assert 'aria-label="Remove Batch: Batch 1"' in text
    assert f"{url('export', rollout)}?batch=1&amp;q=a" in text


def test_an_empty_filter_says_what_was_asked_for(browser, rollout):
    query = "?batch=2&state=failed&q=x"
    text = browser.get(url("page", rollout, query)).content.decode()
    assert "No device of Batch 2 is failed and matches “x”" in text


def test_a_file_has_a_row_for_each_device_with_exact_times(browser, rollout):
    first, failed, waiting = exported(browser, rollout)
    assert first == {
        "device": "a",
        "batch": "Batch 1",
        "state": "Installed",
        "attempts": "1",
        "progress": "100",
        "failure": "",
        "last error": "",
        "released": "2026-11-23T12:00:00+00:00",
        "fetched": "2026-11-23T12:00:00+00:00",
        "ended": "2026-11-23T12:00:00+00:00",
        "client": str(rollout.instances.get(position=1).device.client),
        "ran before": "",
    }
    assert failed["failure"] == "The device reported a failure"
    assert (waiting["state"], waiting["released"]) == ("Queued", "")
    assert datetime.fromisoformat(first["ended"]).utcoffset() is not None


@pytest.mark.parametrize("beginning", list("=+-@\t\r"), ids=repr)
def test_no_cell_of_a_file_is_a_formula(browser, rollout, beginning):
    Instance.objects.filter(device__path="b").update(last_error=f"{beginning}1+1")
    (row,) = exported(browser, rollout, f"?q={quote('1+1')}")
    assert row["last error"] == f"'{beginning}1+1"


def test_a_file_is_read_in_pieces_and_misses_nobody(browser, monkeypatch):
    monkeypatch.setattr(device_rows, "PER_CHUNK", 2)
    client = plant.a_client()
    paths = [f"child-{number}" for number in range(5)]
    rollout = plant.a_rollout([plant.a_device(client, path) for path in paths])
    assert [row["device"] for row in exported(browser, rollout)] == paths


def test_only_who_may_see_deployments_gets_the_file(browser, rollout):
    address = url("export", rollout)
    assert cast.sign_in(cast.person(None)).get(address).status_code == 302
    assert browser.get(address.replace(str(rollout.pk), "77")).status_code == 404
