"""The events on a device's page: its own and those of people, newest first, and not too many."""

import re

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import device_events
from deployments.models import StatusReport, Workload
from devices.models import Client, Device
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def device() -> Device:
    return plant.a_device(path="press-4")


@pytest.fixture
def viewer() -> Browser:
    return cast.sign_in(cast.viewer())


@pytest.fixture(autouse=True)
def _a_minute_after_noon(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: after(60))


def page_of(browser: Browser, device: Device) -> str:
    address = reverse("admin:devices_device_change", args=[device.pk])
    return browser.get(address).content.decode().split('id="events"')[1]


def told(browser: Browser, device: Device) -> list[tuple[str, str]]:
    """Tone and words of each line."""
    lines = re.findall(r'<li class="tone-(\w+)">\s*<p [^>]*>(.*?)</p>', page_of(browser, device))
    return [(tone, words) for tone, words in lines]


def test_a_device_that_did_nothing_was_seen_at_least(device, viewer):
    assert told(viewer, device) == [("run", "First seen.")]


def test_what_it_did_is_told_newest_first(device, viewer):
    rollout = plant.a_rollout([device])
    plant.install(device, after(5))
    plant.tick(rollout, after(6))
    broken = plant.a_rollout([device], plant.a_version("2.0.0"))
    stages.fail(device, "no space <left>", after(7))
    plant.tick(broken, after(8))
    Device.objects.update(capabilities_at=after(20), removed_at=after(40))
    assert told(viewer, device) == [
        ("idle", "Left the fleet."),
        ("run", "Described itself anew."),
        ("bad", "Mixer 2.0.0 failed: no space &lt;left&gt;"),
        ("ok", "Mixer 1.0.0 installed."),
        ("run", "First seen."),
    ]


def test_it_is_offline_since_its_client_was_silent_for_too_long(device, viewer, settings):
    settings.DEVICE_OFFLINE_AFTER_SECONDS = 30
    Client.objects.update(last_seen_at=after(15))
    assert told(viewer, device)[0] == ("warn", "Offline since then: its client is silent.")
    assert "12:00:45" in page_of(viewer, device).split("</li>")[0]
    Client.objects.update(last_seen_at=after(50))
    assert told(viewer, device) == [("run", "First seen.")]


def test_what_is_said_again_is_not_told_again(device, viewer):
    rollout = plant.a_rollout([device])
    plant.install(device, after(5))
    plant.tick(rollout, after(6))
    # With each manifest that brings other applications it says so again.
    said = StatusReport.objects.get(state="installed")
    for version in (8, 9):
        said.pk, said.adopted_version, said.received_at = None, version, after(version)
        said.save(force_insert=True)
    plant.tell(device, "failed", error="drift", now=after(30))
    assert [words for _, words in told(viewer, device)] == [
        "Mixer 1.0.0 failed: drift",
        "Mixer 1.0.0 installed.",
        "First seen.",
    ]


def test_what_people_did_stands_between_for_those_who_may_know(device, viewer):
    operator = cast.sign_in(cast.operator())
    address = reverse("admin:devices_device_change", args=[device.pk])
    operator.post(address, {"labels": "site=berlin"})
    assert told(operator, device) == [("idle", "Assigned labels changed."), ("run", "First seen.")]
    assert "· operator" in page_of(operator, device)
    assert told(viewer, device) == [("run", "First seen.")]


def test_the_list_ends_and_says_where_the_rest_is(device, viewer, monkeypatch):
    monkeypatch.setattr(device_events, "SHOWN", 2)
    Device.objects.update(capabilities_at=after(20))
    assert "The newest" not in page_of(viewer, device)
    Device.objects.update(removed_at=after(40))
    assert len(told(viewer, device)) == 2
    assert "The newest 2." in page_of(viewer, device)
    link = f"?object=device-{device.pk}"
    assert link not in page_of(viewer, device)
    assert link in page_of(cast.sign_in(cast.operator()), device)


def test_events_cost_the_same_however_many(device, viewer):
    costs = []
    for number in (3, 27):
        for _ in range(number):
            version = plant.a_version(app_id=f"app-{Workload.objects.count()}")
            workload = Workload.objects.create(device=device, application=version.application)
            StatusReport.objects.bulk_create(
                StatusReport(workload=workload, received_at=after(1), state=state, counted=True)
                for state in ("failed", "installed") * 10
            )
        with CaptureQueriesContext(connection) as seen:
            assert len(told(viewer, device)) == device_events.SHOWN
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 20
