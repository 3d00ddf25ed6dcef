"""What a poll, a report, a look and a list ask of the database: as much for 30 devices as for 3."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import engine, moves, publishing
from deployments.models import Deployment, Workload
from devices.models import Client, Device
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db

FEW, MANY = 3, 30
CANARY = {"kind": "canary", "canary_by": "count", "canary_count": 2, "max_failures": 1}


def cost(do: Callable[[], object]) -> int:
    """How many queries it takes."""
    with CaptureQueriesContext(connection) as seen:
        do()
    return len(seen)


def a_fleet(size: int) -> list[Device]:
    return [plant.a_device() for _ in range(size)]


# A poll and a report


def the_first_poll(device: Device) -> None:
    client = Client.objects.get(pk=device.client_id)
    publishing.prove(client, publishing.manifest_for(client, now=NOON).version, now=NOON)


def an_unchanged_poll(device: Device) -> None:
    assert publishing.is_current(Client.objects.get(pk=device.client_id))


def a_report(word: str) -> Callable[[Device], None]:
    return lambda device: plant.tell(device, word, error="disk full" if word == "failed" else "")


#: What a device does, one after the other.
CONVERSATION = {
    "the first poll": the_first_poll,
    "an unchanged poll": an_unchanged_poll,
    "a fetch": plant.fetch,
    "accepted": a_report("pending"),
    "begun": a_report("installing"),
    "failed": a_report("failed"),
    "installed": a_report("installed"),
    "installed, once more": a_report("installed"),
}


def of_a_conversation(device: Device) -> dict[str, int]:
    return {name: cost(lambda do=do: do(device)) for name, do in CONVERSATION.items()}


def test_a_device_costs_the_same_in_a_large_rollout():
    version, costs = plant.a_version(), []
    for size in (FEW, MANY):
        fleet = a_fleet(size)
        plant.a_rollout(fleet, version)
        costs.append(of_a_conversation(fleet[0]))
    assert costs[0] == costs[1]
    assert costs[0]["an unchanged poll"] == 2


def test_a_device_behind_a_large_gateway_reports_at_the_same_cost():
    costs = []
    for size in (FEW, MANY):
        gateway = plant.a_client()
        fleet = [plant.a_device(gateway, f"{gateway.name}/{number}") for number in range(size)]
        plant.a_rollout(fleet, plant.a_version(app_id=f"app-{size}"))
        plant.poll(fleet[0])
        found = of_a_conversation(fleet[0])
        costs.append(found)
    assert costs[0] == costs[1]


def test_a_poll_during_a_large_rollback_costs_the_same():
    costs = []
    for size in (FEW, MANY):
        fleet = a_fleet(size)
        rollout = plant.a_rollout(fleet, plant.a_version(app_id=f"app-{size}"))
        for device in fleet:
            plant.poll(device)
        moves.roll_back(rollout, actor=None, now=after(1))
        costs.append([cost(lambda one=one: plant.poll(one, after(2))) for one in fleet[:2]])
        plant.tick(rollout, after(3))
        costs[-1].append(cost(lambda one=fleet[0]: an_unchanged_poll(one)))
    assert costs[0] == costs[1]


# A look


def of_the_first_release(fleet: list[Device], version) -> Deployment:
    ready = plant.a_ready_deployment(fleet, version)
    moves.start(ready, actor=None, now=NOON)
    return ready


def of_the_next_batch(fleet: list[Device], version) -> Deployment:
    rollout = plant.a_rollout(fleet, version, **CANARY)
    stages.install(fleet[:2])
    plant.tick(rollout)
    moves.promote_canary(rollout, actor=None, now=NOON)
    return rollout


def of_the_end(fleet: list[Device], version) -> Deployment:
    rollout = plant.a_rollout(fleet, version)
    stages.install(fleet)
    return rollout


def of_a_hold(fleet: list[Device], version) -> Deployment:
    """One of the first batch has failed; from the others of it the content is taken back."""
    rollout = plant.a_rollout(
        [*fleet, plant.a_device()], version, kind="rolling", batch_by="size", batch_size=len(fleet)
    )
    stages.fail(fleet[0])
    return rollout


def of_a_breach(fleet: list[Device], version) -> Deployment:
    """Half of them get their old version back, the other half lose what they never had."""
    old = plant.a_version("0.9.0", app_id=version.application.app_id)
    before = plant.a_rollout(fleet, old)
    stages.install(fleet)
    plant.tick(before)
    rollout = plant.a_rollout(fleet, version, rollback_count=0)
    for device in fleet[1:]:
        plant.poll(device)
    stages.fail(fleet[0])
    return rollout


def of_a_limit(fleet: list[Device], version) -> Deployment:
    return plant.a_rollout(fleet, version, offline_wait_seconds=60)


def of_offline_devices(fleet: list[Device], version) -> Deployment:
    return plant.a_rollout(fleet, version, offline="move_on", offline_after_seconds=60)


def of_retries(fleet: list[Device], version) -> Deployment:
    rollout = plant.a_rollout(fleet, version, retry_failed=1)
    for device in fleet:
        stages.fail(device)
    return rollout


def of_a_cancel(fleet: list[Device], version) -> Deployment:
    rollout = plant.a_rollout(fleet, version)
    moves.cancel(rollout, actor=None, now=NOON)
    return rollout


LOOKS = [
    of_the_first_release,
    of_the_next_batch,
    of_the_end,
    of_a_hold,
    of_a_breach,
    of_a_limit,
    of_offline_devices,
    of_retries,
    of_a_cancel,
]


@pytest.mark.parametrize("story", LOOKS)
def test_a_look_costs_the_same_for_more_devices(story):
    costs = []
    for size in (FEW, MANY):
        rollout = story(a_fleet(size), plant.a_version(app_id=f"app-{size}"))
        done: list[object] = []
        costs.append(cost(lambda pk=rollout.pk, to=done: to.extend(engine.tick(pk, now=after(60)))))
        assert done
    assert costs[0] == costs[1]


# A button


def cancel(rollout: Deployment) -> None:
    moves.cancel(rollout, actor=None, now=after(1))


def pause(rollout: Deployment) -> None:
    moves.pause(rollout, actor=None, now=after(1))


def roll_back(rollout: Deployment) -> None:
    moves.roll_back(rollout, actor=None, now=after(1))


@pytest.mark.parametrize("press", [cancel, pause, roll_back])
def test_a_button_costs_the_same_for_more_devices(press):
    costs = []
    for size in (FEW, MANY):
        rollout = plant.a_rollout(a_fleet(size), plant.a_version(app_id=f"app-{size}"))
        costs.append(cost(lambda one=rollout: press(one)))
    assert costs[0] == costs[1]


# A page


@pytest.mark.parametrize("page", ["deployments_deployment_changelist", "index"])
def test_a_list_of_rollouts_costs_the_same_for_more_devices(page):
    browser, version, costs = cast.sign_in(cast.viewer()), plant.a_version(), []
    browser.get(reverse(f"admin:{page}"))
    for size in (FEW, MANY):
        fleet = a_fleet(size)
        plant.a_rollout(fleet, version)
        stages.install(fleet[:2])
        costs.append(cost(lambda: browser.get(reverse(f"admin:{page}"))))
    assert costs[0] == costs[1]
    assert Workload.objects.count() == FEW + MANY
