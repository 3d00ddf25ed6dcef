"""What deployments add to the dashboard, an application, a device and a group."""

import pytest
from django.urls import reverse

from deployments import queries
from deployments.models import Deployment
from devices.models import DeviceGroup
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def test_the_dashboard_shows_what_is_under_way():
    plant.a_rollout([plant.a_device()])
    text = cast.sign_in(cast.viewer()).get(reverse("admin:index")).content.decode()
    assert "In progress" in text
    assert "0/1 successful" in text


def test_an_empty_dashboard_says_what_to_do_next():
    text = cast.sign_in(cast.operator()).get(reverse("admin:index")).content.decode()
    assert "Nothing is being rolled out" in text
    assert reverse("admin:deployments_deployment_new") in text


def test_an_application_says_where_it_is_deployed():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    url = reverse("admin:applications_application_change", args=[rollout.version.application_id])
    text = cast.sign_in(cast.viewer()).get(url).content.decode()
    assert "Where it is deployed" in text
    assert reverse("admin:deployments_deployment_page", args=[rollout.pk]) in text


def test_a_device_shows_its_workloads():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    url = reverse("admin:devices_device_change", args=[device.pk])
    text = cast.sign_in(cast.viewer()).get(url).content.decode()
    assert "Workloads" in text
    assert "Mixer" in text
    assert reverse("admin:deployments_deployment_page", args=[rollout.pk]) in text


def test_a_group_shows_what_runs_on_its_devices():
    device = plant.a_device(site="berlin")
    plant.a_rollout([device])
    plant.install(device)
    group = DeviceGroup.objects.create(name="Berlin", selector="site=berlin", created_at=plant.NOON)
    url = reverse("admin:devices_devicegroup_change", args=[group.pk])
    text = cast.sign_in(cast.viewer()).get(url).content.decode()
    assert "What runs on these devices" in text
    assert "Mixer" in text


def test_the_list_of_applications_counts_devices():
    device = plant.a_device()
    plant.a_rollout([device])
    plant.install(device)
    url = reverse("admin:applications_application_changelist")
    assert "Installed on" in cast.sign_in(cast.viewer()).get(url).content.decode()


def test_the_dashboard_shows_first_what_waits_for_somebody():
    made = stages.in_each_stage()
    names = {deployment.pk: name for name, deployment in made.items()}
    listed = [names[one.pk] for one in queries.in_progress()]
    assert set(listed[:4]) == {
        "awaiting approval",
        "at the canary's gate",
        "at a batch's gate",
        "held",
    }
    assert set(listed[4:-1]) == {"rolling", "paused", "cancelling", "rolling back"}
    assert listed[-1] == "ready"
    text = cast.sign_in(cast.viewer()).get(reverse("admin:index")).content.decode()
    assert "Waiting for Promote Canary" in text
    assert "1/2 put back" in text


def test_each_number_of_deployments_leads_to_their_list():
    stages.in_each_stage()
    browser = cast.sign_in(cast.viewer())
    text = browser.get(reverse("admin:index")).content.decode()
    numbers = {"awaiting_approval": 1, "gate": 2, "held": 1, "paused": 1, "rolling": 1}
    for stage, number in numbers.items():
        address = f"{reverse('admin:deployments_deployment_changelist')}?stage={stage}"
        after = text.split(f'href="{address}"')[1]
        assert f'<strong class="tile-number">{number}</strong>' in after.split("</a>")[0]
        assert len(browser.get(address).context["lines"]) == number


def test_the_overview_says_what_ended_and_what_happened_lately():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    plant.tick(rollout)
    page = cast.sign_in(cast.viewer()).get(reverse("admin:index")).content.decode()
    ended = page.split("Ended lately")[1].split("What happened lately")[0]
    assert rollout.name in ended
    assert "1/1 successful" in ended
    happened = page.split("What happened lately")[1]
    assert rollout.events.order_by("-pk")[0].sentence in happened


@pytest.mark.parametrize(("named", "times"), [(False, 1), (True, 0)])
def test_what_is_named_after_its_version_does_not_say_it_twice(named, times):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    if named:
        Deployment.objects.update(name=str(rollout.version))
    plant.install(device)
    plant.tick(rollout)
    browser = cast.sign_in(cast.viewer())
    page = browser.get(reverse("admin:index")).content.decode()
    ended = page.split("Ended lately")[1].split("What happened lately")[0]
    assert ended.count(f"{rollout.version}: ") == times
    page = browser.get(reverse("admin:deployments_deployment_page", args=[rollout.pk]))
    assert page.content.decode().count(f"<span>{rollout.version}</span>") == times
