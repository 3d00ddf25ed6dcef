"""How a rollout ends when it is stopped, tried again or undone, and what is true afterwards."""

import itertools

import pytest
from django.http import HttpResponse
from django.urls import reverse

from deployments import moves
from deployments.models import Deployment, Instance, Workload
from devices.models import Device
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db

BATCHES = {"kind": "rolling", "batch_by": "size", "batch_size": 1, "batch_gate": "manual"}


def devices(number: int) -> list[Device]:
    return [plant.a_device() for _ in range(number)]


def page_of(deployment: Deployment) -> HttpResponse:
    url = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    return cast.sign_in(cast.operator()).get(url)


# Stopped


def brought_to_batch(number: int, fleet: list[Device]) -> Deployment:
    """Batches of one device; this one was just released, those before it are installed."""
    rollout = plant.a_rollout(fleet, plant.a_version("2.0.0"), **BATCHES)
    for device in fleet[: number - 1]:
        plant.install(device)
        plant.tick(rollout)
        moves.approve_batch(rollout, actor=None, now=after(1))
        plant.tick(rollout, after(1))
    return rollout


WHERE = [
    *itertools.product((1, 2, 3), ("unseen", "fetched")),
    (1, "at the gate"),
    (2, "at the gate"),
]


@pytest.mark.parametrize(("batch", "where"), WHERE)
def test_a_cancel_in_each_batch_and_at_each_gate_keeps_what_is_installed(batch, where):
    fleet = devices(3)
    rollout = brought_to_batch(batch, fleet)
    device = fleet[batch - 1]
    if where == "fetched":
        plant.poll(device, after(2))
        plant.fetch(device, after(2))
    if where == "at the gate":
        plant.install(device, after(2))
        plant.tick(rollout, after(2))
        assert rollout.stage == "gate"
    moves.cancel(rollout, actor=None, now=after(3))
    plant.tick(rollout, after(3))
    assert rollout.stage == ("cancelling" if where == "fetched" else "cancelled")
    with pytest.raises(moves.MoveRefusedError, match=r"Cancel is possible while"):
        moves.cancel(rollout, actor=None, now=after(3))
    if where == "fetched":
        plant.install(device, after(4))
        plant.tick(rollout, after(4))
    has_it = batch - (where == "unseen")
    expected = {"installed": has_it, "cancelled": 3 - has_it}
    counts = {state: number for state, number in expected.items() if number}
    assert plant.states_of(rollout) == counts
    assert rollout.summary == {"total": 3, "counts": counts}
    assert (rollout.stage, rollout.status) == ("cancelled", "installed" if has_it else "removed")
    assert not Instance.objects.filter(holds=True).exists()
    wanted = Workload.objects.exclude(wanted=None).values_list("device", flat=True)
    assert set(wanted) == {one.pk for one in fleet[:has_it]}


# Tried again


def test_trying_again_goes_batch_by_batch_to_the_failed_ones_and_counts_the_attempts():
    fleet = devices(4)
    rules = {**BATCHES, "batch_size": 2, "max_failures": 1}
    rollout = plant.a_rollout(fleet, **rules)
    for well, bad in (fleet[:2], fleet[2:]):
        plant.install(well)
        stages.fail(bad)
        plant.tick(rollout)
        if rollout.stage == "gate":
            moves.approve_batch(rollout, actor=None, now=after(1))
            plant.tick(rollout, after(1))
    assert (rollout.stage, plant.states_of(rollout)) == ("completed", {"installed": 2, "failed": 2})
    moves.retry_failed(rollout, actor=None, now=after(2))
    plant.tick(rollout, after(2))
    assert plant.states_of(rollout) == {"installed": 2, "pending": 1, "queued": 1}
    plant.install(fleet[1], after(3))
    plant.tick(rollout, after(3))
    assert (rollout.stage, rollout.gate_batch) == ("gate", 1)
    moves.approve_batch(rollout, actor=None, now=after(4))
    plant.tick(rollout, after(4))
    plant.install(fleet[3], after(5))
    plant.tick(rollout, after(5))
    assert (rollout.stage, plant.states_of(rollout)) == ("completed", {"installed": 4})
    attempts = rollout.instances.order_by("position").values_list("attempts", flat=True)
    assert list(attempts) == [1, 2, 1, 2]


# Undone


def test_a_failure_in_a_rollback_starts_no_other_and_the_page_offers_two_ways_out():
    fleet = devices(2)
    for number in ("1.0.0", "2.0.0"):
        rollout = plant.a_rollout(fleet, plant.a_version(number), rollback_count=0)
        stages.install(fleet)
        if number == "1.0.0":
            plant.tick(rollout)
    plant.tell(fleet[0], "failed", error="It crashed.", now=after(1))
    plant.tick(rollout, after(1))
    assert (rollout.stage, plant.states_of(rollout)) == ("rolling_back", {"removing": 2})
    stages.fail(fleet[0], "No space left.", after(2))
    plant.tick(rollout, after(2))
    assert plant.states_of(rollout) == {"failed": 1, "removing": 1}
    assert rollout.events.filter(to_stage="rolling_back").count() == 1
    answer = page_of(rollout)
    offered = {button.action for button in answer.context["buttons"] if button.available}
    assert offered == {"retry_failed", "give_up"}
    assert "No space left." in answer.content.decode()


# Afterwards


@pytest.mark.parametrize(
    ("word", "runs"), [("failed", True), ("removed", False)], ids=["fails", "is gone"]
)
def test_what_is_lost_after_the_end_is_shown_and_comes_back_with_the_next_rollout(word, runs):
    device, version = plant.a_device(), plant.a_version()
    done = plant.a_rollout([device], version)
    plant.install(device)
    plant.tick(done)
    before = list(Instance.objects.values())
    plant.tell(device, word, error="It crashed.", now=after(60))
    assert plant.tick(done, after(61)) == []
    assert (done.stage, done.status, list(Instance.objects.values())) == (
        "completed",
        "installed",
        before,
    )
    workload = Workload.objects.get()
    assert (workload.state, workload.installed is not None) == (word, runs)
    again = plant.a_rollout([device], version)
    assert plant.states_of(again) == {"pending": 1}
    plant.install(device, after(62))
    assert Workload.objects.get().state == "installed"


def test_what_goes_by_itself_at_a_gate_holds_the_rollout():
    fleet = devices(2)
    rollout = plant.a_rollout(fleet, **BATCHES)
    plant.install(fleet[0])
    plant.tick(rollout)
    assert rollout.stage == "gate"
    plant.tell(fleet[0], "removed", now=after(60))
    plant.tick(rollout, after(60))
    row = Instance.objects.get(device=fleet[0])
    assert (rollout.stage, row.state, row.failure) == ("held", "failed", "drifted")
    assert "removed the application by itself" in page_of(rollout).content.decode()
