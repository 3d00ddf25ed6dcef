"""Devices that leave the fleet while a rollout is about them: nobody waits for who cannot come."""

import pytest

from deployments import moves
from deployments.models import Instance
from devices import onboarding, registry
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


def removed(device):
    registry.remove(device.client, device.path, after(1))


def retired(device):
    onboarding.retire(device.client, actor=None, now=after(1))


@pytest.mark.parametrize("leave", [removed, retired])
def test_a_device_that_left_before_its_batch_came_is_not_waited_for(leave):
    first, second = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([first, second], kind="rolling", batch_by="size", batch_size=1)
    leave(second)
    plant.install(first, after(2))
    plant.tick(rollout, after(2))
    row = Instance.objects.get(device=second)
    assert (row.state, row.failure) == ("failed", "unreachable")
    assert row.last_error == "The device has left the fleet."
    assert (rollout.stage, rollout.status) == ("completed", "failed")


@pytest.mark.parametrize("leave", [removed, retired])
def test_trying_again_does_not_wait_for_a_device_that_left(leave):
    first, second = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([first, second])
    leave(second)
    plant.install(first, after(2))
    plant.tick(rollout, after(2))
    moves.retry_failed(rollout, actor=None, now=after(3))
    plant.tick(rollout, after(3))
    assert (rollout.stage, plant.states_of(rollout)) == ("completed", {"installed": 1, "failed": 1})


def test_a_device_that_came_back_before_its_batch_gets_it():
    first, second = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([first, second], kind="rolling", batch_by="size", batch_size=1)
    removed(second)
    second.removed_at = None
    second.save(update_fields=["removed_at"])
    plant.install(first, after(2))
    plant.tick(rollout, after(2))
    assert plant.states_of(rollout) == {"installed": 1, "pending": 1}


def test_a_device_that_left_uses_up_no_tries():
    first, second = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([first, second], retry_unreachable=5)
    removed(second)
    assert plant.tick(rollout, after(1)) == []
    plant.install(first, after(2))
    assert plant.tick(rollout, after(2))[-1] == "Completed: 1 of 2 failed, 0 allowed."
    assert Instance.objects.get(device=second).attempts == 1


def reported_again(device):
    known = {"vendor": "Acme", "modelNumber": "P2", "serialNumber": "42", **device.properties}
    registry.report(device.client, device.path, {"properties": known}, "raw", after(3))


def accepted_again(device):
    onboarding.accept(device.client, actor=None, now=after(3))


@pytest.mark.parametrize(
    ("leave", "come_back"), [(removed, reported_again), (retired, accepted_again)]
)
def test_a_device_that_comes_back_is_tried_again_where_it_has_tries_left(leave, come_back):
    first, second = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([first, second], retry_unreachable=1)
    leave(second)
    plant.tick(rollout, after(1))
    come_back(second)
    assert plant.tick(rollout, after(3)) == ["All devices: trying again on 1 device."]
