"""Taking a device off the fleet by hand, and forgetting one that never ran anything."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from django.urls import reverse

from deployments.models import Instance
from deployments.states import Failure, State
from devices import registry
from devices.models import Client, Device
from tests import cast
from tests.cast import NOON
from tests.deployments import plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Browser:
    return cast.sign_in(cast.admin())


def address(verb: str, device: Device) -> str:
    return reverse(f"admin:devices_device_{verb}", args=[device.pk])


def text_of(page: object) -> str:
    return " ".join(page.content.decode().split())


def test_the_page_says_what_retiring_means_and_changes_nothing(admin: Browser) -> None:
    client = cast.client("gateway")
    device = cast.device(client, "gateway")
    cast.device(client, "gateway/plc")
    cast.device(client, "gateway2")

    text = text_of(admin.get(address("retire", device)))

    assert "The device behind it leaves with it." in text
    assert "It is in no running deployment." in text
    assert "What runs there keeps running" in text
    assert not Device.objects.exclude(removed_at=None).exists()


def test_it_names_the_running_deployments_and_they_stop_waiting(admin: Browser) -> None:
    device = plant.a_device(path="press-4")
    rollout = plant.a_rollout([device, plant.a_device()])
    page = admin.get(address("retire", device))
    assert "1 running deployment counts 1 device as unreachable" in text_of(page)

    admin.post(address("retire", device))

    part = Instance.objects.get(deployment=rollout, device=device)
    assert (part.state, part.failure) == (State.FAILED, Failure.UNREACHABLE)
    assert part.last_error == "The device was retired in the portal."


def test_retired_it_leaves_with_those_behind_it_and_who_did_it_is_kept(admin: Browser) -> None:
    client = cast.client("gateway")
    device = cast.device(client, "gateway")
    child, other = cast.device(client, "gateway/plc"), cast.device(client, "gateway2")

    page = admin.post(address("retire", device), follow=True)

    assert "The device gateway is retired, and the 1 behind it." in text_of(page)
    assert set(Device.objects.present()) == {other}
    assert {(row.object_id, row.user.username) for row in LogEntry.objects.all()} == {
        (str(device.pk), "admin"),
        (str(child.pk), "admin"),
    }
    again = admin.post(address("retire", device), follow=True)
    assert "has left the fleet already" in text_of(again)


def test_a_retired_device_that_describes_itself_again_is_back(admin: Browser) -> None:
    client = cast.client("press")
    device = cast.device(client, "press")
    admin.post(address("retire", device))
    identity = {"id": "press", "vendor": "Acme", "modelNumber": "P2", "serialNumber": "42"}

    assert registry.report(client, "press", {"properties": identity}, "raw", NOON)

    assert Device.objects.present().get() == device


def test_only_a_device_that_has_left_can_be_deleted(admin: Browser) -> None:
    device = cast.device(cast.client("press"), "press")
    for send in (admin.get, admin.post):
        assert "retire it first" in text_of(send(address("delete", device), follow=True))
    assert Device.objects.exists()


def test_one_that_never_ran_anything_goes_for_good(admin: Browser) -> None:
    device = cast.device(cast.client("press"), "press", site="berlin")
    Device.objects.update(removed_at=NOON)
    assert "goes for good" in text_of(admin.get(address("delete", device)))
    assert Device.objects.exists()

    answer = admin.post(address("delete", device), follow=True)

    assert "The device press is deleted." in text_of(answer)
    assert not Device.objects.exists()
    assert LogEntry.objects.get().object_repr == "press"
    assert Client.objects.exists()


def test_one_that_took_part_in_a_deployment_stays(admin: Browser) -> None:
    device = plant.a_device(path="press-4")
    plant.a_rollout([device])
    Device.objects.update(removed_at=NOON)

    answer = admin.post(address("delete", device), follow=True)

    assert "whose history names it" in text_of(answer)
    assert Device.objects.exists()
    assert not LogEntry.objects.exists()


def test_retiring_a_client_names_the_running_deployments_too(admin: Browser) -> None:
    device = plant.a_device(path="press-4")
    plant.a_rollout([device])
    page = admin.get(reverse("admin:devices_client_retire", args=[device.client_id]))
    assert "1 running deployment counts 1 device as unreachable at once" in text_of(page)
