"""What a device's page says of its past: revisions, reports, deployments."""

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import moves, past
from deployments.models import Instance, Revision, StatusReport, Workload
from devices.models import Device
from tests import cast
from tests.deployments import plant
from tests.deployments.plant import NOON, after
from tests.deployments.test_one_device import given

pytestmark = pytest.mark.django_db


@pytest.fixture
def device() -> Device:
    return plant.a_device(path="press-4")


@pytest.fixture
def viewer() -> Browser:
    return cast.sign_in(cast.viewer())


def page_of(browser: Browser, device: Device, query: str = "") -> str:
    address = reverse("admin:devices_device_change", args=[device.pk]) + query
    return " ".join(browser.get(address).content.decode().split())


def test_each_revision_says_what_became_of_it(device, viewer):
    first = given(device, "1.0.0", 0)
    bad = given(device, "2.0.0", 10)
    moves.roll_back(bad, actor=None, now=after(20))
    plant.tick(bad, after(21))
    plant.poll(device, after(22))
    plant.tell(device, "installed", now=after(22))

    text = page_of(viewer, device)

    assert "Replaced" in text
    assert "Rolled back" in text
    assert "put back by a rollback" in text
    assert reverse("admin:deployments_deployment_page", args=[first.pk]) in text
    newest, *older = past.revisions(Workload.objects.all())[Workload.objects.get().pk]
    assert newest.published_at == after(22)
    assert [one.published_at for one in older] == [after(11), after(1)]


def test_a_failure_shows_its_words(device, viewer):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10, works=False)
    text = page_of(viewer, device)
    assert "✕ disk full" in text
    assert "<strong>1.0.0</strong> is installed" in text
    assert "shall run <strong>2.0.0</strong>" in text
    assert "The device reported a failure" in text


def test_what_a_device_says_cannot_run_a_script(device, viewer):
    given(device, "1.0.0", 0)
    StatusReport.objects.update(error="<script>alert(1)</script>", counted=True)
    Workload.objects.update(state="failed")
    assert "<script>alert(1)" not in page_of(viewer, device)


def test_a_report_that_changed_nothing_says_why(device, viewer):
    given(device, "1.0.0", 0)
    plant.tell(device, "failed", adopted=0, now=after(30))
    assert "Changed nothing: About manifest 0" in page_of(viewer, device)


def test_long_histories_are_cut_with_a_sentence(device, viewer):
    given(device, "1.0.0", 0)
    workload, revision = Workload.objects.get(), Revision.objects.get()
    assert "older ones are kept" not in page_of(viewer, device)
    StatusReport.objects.bulk_create(
        StatusReport(workload=workload, revision=revision, received_at=NOON, state="failed")
        for _ in range(past.LINES)
    )
    text = page_of(viewer, device)
    assert text.count("The newest 10; older ones are kept.") == 1
    assert "Installing" not in text
    assert len(past.reports(Workload.objects.all())[workload.pk]) == past.LINES + 1


def test_only_who_may_is_offered_to_roll_back(device, viewer):
    given(device, "1.0.0", 0)
    operator = cast.sign_in(cast.operator())
    assert "Roll back this device" not in page_of(operator, device)
    given(device, "2.0.0", 10)
    assert "Roll back this device" in page_of(operator, device)
    assert "Roll back this device" not in page_of(viewer, device)
    Device.objects.update(removed_at=NOON)
    assert "Roll back this device" not in page_of(operator, device)


def test_deployments_are_listed_newest_first_a_page_at_a_time(device, viewer):
    version = plant.a_version()
    made = [plant.a_ready_deployment([device], version) for _ in range(12)]
    for number, one in enumerate(made):
        type(one).objects.filter(pk=one.pk).update(name=f"Rollout {number:02}")
    plant.a_ready_deployment([plant.a_device()], version)

    first, second = page_of(viewer, device), page_of(viewer, device, "?in=2")

    assert "12 that it is or was in" in first
    assert "Rollout 11" in first
    assert "Rollout 02" in first
    assert "Rollout 01" not in first
    assert "Rollout 01" in second
    assert "11–12 of 12" in second


def test_one_deleted_from_the_lists_is_not_listed(device, viewer):
    given(device, "1.0.0", 0)
    gone = given(device, "2.0.0", 10)
    moves.delete(gone, actor=None, now=after(20))
    assert "1 that it is or was in" in page_of(viewer, device)


def test_the_page_costs_the_same_for_3_workloads_and_for_30(viewer):
    def cost(count: int) -> int:
        device = plant.a_device()
        for number in range(count):
            version = plant.a_version("1.0.0", app_id=f"app-{count}-{number}")
            workload = Workload.objects.create(device=device, application=version.application)
            made = plant.a_ready_deployment([device], version)
            revision = Revision.objects.create(
                workload=workload, deployment=made, version=version, content="c", created_at=NOON
            )
            Workload.objects.filter(pk=workload.pk).update(wanted=revision, installed=revision)
            StatusReport.objects.create(
                workload=workload, revision=revision, received_at=NOON, state="installed"
            )
        with CaptureQueriesContext(connection) as captured:
            page_of(viewer, device)
        return len(captured)

    page_of(viewer, plant.a_device())
    assert cost(3) == cost(30) <= 20


def test_identity_and_events_are_for_those_who_may_see_them(device, viewer):
    operator = cast.sign_in(cast.operator())
    address = reverse("admin:devices_device_change", args=[device.pk])
    operator.post(address, {"labels": "site=berlin"})
    text = page_of(operator, device)
    assert "Assigned labels changed." in text
    assert device.client.spiffe_id in text
    shown = page_of(viewer, device)
    assert "Assigned labels changed." not in shown
    assert device.client.spiffe_id not in shown


def test_the_list_of_devices_counts_applications(device, viewer):
    given(device, "1.0.0", 0)
    plant.a_device()
    page = viewer.get(reverse("admin:devices_device_changelist"))
    counts = {one.path: one.applications_installed for one in page.context["cl"].result_list}
    assert counts.pop("press-4") == 1
    assert set(counts.values()) == {None}
    assert Instance.objects.count() == 1
