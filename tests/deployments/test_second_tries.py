"""Trying again, resuming and cancelling where some devices failed, and limits of several kinds."""

import pytest

from deployments import moves
from deployments.models import Deployment
from tests.deployments import plant
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db

CANARY = {"kind": "canary", "canary_by": "count", "canary_count": 1}
BATCHES = {"kind": "rolling", "batch_by": "size", "batch_size": 1}


@pytest.fixture
def devices():
    return [plant.a_device(path=f"press-{number}") for number in range(4)]


@pytest.fixture
def one_at_a_time(monkeypatch):
    monkeypatch.setattr("deployments.releasing.CHUNK", 1)


@pytest.mark.usefixtures("one_at_a_time")
def test_what_drifts_at_a_gate_is_tried_again_everywhere_and_the_delay_begins_anew(devices):
    rules = {"canary_gate": "automatic", "canary_soak_seconds": 600, "retry_drifted": 1}
    rollout = plant.a_rollout(devices, **{**CANARY, "canary_count": 3}, **rules)
    for device in devices[:3]:
        plant.install(device)
    plant.tick(rollout)
    assert (rollout.stage, rollout.gate_since) == ("gate", NOON)
    for device in devices[:3]:
        plant.tell(device, "failed", now=after(500))
    assert plant.tick(rollout, after(500))[0] == "Canary: trying again on 3 devices."
    assert rollout.events.filter(sentence="Canary: trying again on 3 devices.").count() == 1
    assert (rollout.stage, plant.states_of(rollout)) == ("rolling", {"pending": 3, "queued": 1})
    for device in devices[:3]:
        plant.install(device, after(590))
    plant.tick(rollout, after(590))
    assert (rollout.stage, rollout.gate_since) == ("gate", after(590))
    assert plant.tick(rollout, after(1189)) == []
    assert plant.tick(rollout, after(1190))[-1] == "The rest: released to 1 device."


def test_resuming_accepts_what_failed_for_good_and_not_what_is_tried_again(devices):
    rules = {"batch_by": "size", "batch_size": 3, "retry_timed_out": 1}
    rollout = plant.a_rollout(devices, kind="rolling", install_timeout_seconds=60, **rules)
    for device in devices[:3]:
        plant.poll(device)
        plant.fetch(device)
    plant.tell(devices[0], "failed")
    assert plant.tick(rollout)[-1] == "Batch 1: 1 of 3 failed, 0 allowed: held."
    # The time of the others runs out while it is held: they are to be tried again.
    plant.tick(rollout, after(61))
    assert plant.states_of(rollout) == {"failed": 3, "queued": 1}
    moves.resume(rollout, actor=None, now=after(70))
    assert rollout.events.filter(sentence="Resumed: 1 failure so far accepted.").exists()
    assert "Batch 1: trying again on 2 devices." in plant.tick(rollout, after(70))
    plant.poll(devices[1], after(80))
    plant.fetch(devices[1], after(80))
    plant.tell(devices[1], "failed", now=after(80))
    assert plant.tick(rollout, after(80))[-1] == "Batch 1: 2 of 3 failed, 1 allowed: held."


def test_a_canary_that_runs_it_already_lets_the_rest_follow(devices):
    version, rules = plant.a_version(), {**CANARY, "canary_gate": "automatic"}
    first = plant.a_rollout(devices, version, **rules)
    plant.install(devices[0])
    moves.cancel(first, actor=None, now=after(1))
    plant.tick(first, after(1))
    again = plant.a_rollout(devices, version, **rules)
    assert plant.states_of(again) == {"skipped": 1, "pending": 3}
    assert again.events.filter(sentence="Canary: released to 1 device. 1 runs it already.").exists()


def test_a_limit_of_one_kind_leaves_the_others_alone(devices):
    rules = {"offline": "move_on", "offline_after_seconds": 600, "install_timeout_seconds": 600}
    rollout = plant.a_rollout(devices[:2], **rules)
    plant.poll(devices[0])
    plant.fetch(devices[0])
    assert plant.tick(rollout, after(700))[:2] == [
        "All devices: 1 device did not finish within 10 minutes.",
        "All devices: 1 device did not come for it within 10 minutes: going on without.",
    ]
    assert plant.states_of(rollout) == {"failed": 1, "deferred": 1}


def failing(device, seconds, said="It crashed."):
    plant.poll(device, after(seconds))
    plant.fetch(device, after(seconds))
    plant.tell(device, "failed", error=said, now=after(seconds))


def test_a_retry_by_itself_releases_nothing_that_waits_behind_a_closed_gate(devices):
    one, two, three, _ = devices
    rules = {"batch_by": "sizes", "batch_sizes": "1, 2, 1", "batch_gate": "manual"}
    rollout = plant.a_rollout(devices, kind="rolling", **rules, retry_drifted=1)
    failing(one, 1)
    plant.tick(rollout, after(1))
    moves.resume(rollout, actor=None, now=after(2))
    plant.tick(rollout, after(2))
    moves.approve_batch(rollout, actor=None, now=after(3))
    plant.tick(rollout, after(3))
    plant.install(three, after(4))
    failing(two, 4)
    plant.tick(rollout, after(4))
    moves.retry_failed(rollout, actor=None, now=after(5))
    plant.tick(rollout, after(5))
    assert plant.states_of(rollout) == {"pending": 1, "queued": 2, "installed": 1}
    plant.tell(three, "failed", error="It went away.", now=after(6))
    plant.tick(rollout, after(6))
    assert plant.states_of(rollout) == {"pending": 1, "queued": 3}


def test_a_late_success_before_its_retry_counts_although_the_rest_is_cancelled(devices):
    rollout = plant.a_rollout(devices[:3], **BATCHES)
    failing(devices[0], 1)
    plant.tick(rollout, after(1))
    moves.retry_failed(rollout, actor=None, now=after(2))
    plant.tell(devices[0], "installed", now=after(3))
    moves.cancel(rollout, actor=None, now=after(4))
    plant.tick(rollout, after(4))
    assert plant.states_of(rollout) == {"installed": 1, "cancelled": 2}
    assert (rollout.stage, rollout.status) == ("cancelled", "installed")


def test_a_batch_whose_late_device_was_taken_back_has_not_ended(devices):
    rules = {"offline": "move_on", "offline_after_seconds": 60, "batch_delay_seconds": 600}
    rollout = plant.a_rollout(devices[:3], **{**BATCHES, "batch_size": 2}, **rules)
    plant.install(devices[0])
    plant.tick(rollout, after(61))
    assert rollout.stage == "gate"
    moves.pause(rollout, actor=None, now=after(62))
    moves.resume(rollout, actor=None, now=after(63))
    assert plant.tick(rollout, after(63)) == ["Batch 1: released to 1 device."]
    assert rollout.stage == "rolling"


def test_a_persons_decision_does_not_wait_for_the_engine_to_get_over_a_stumble(devices):
    rollout = plant.a_rollout(devices[:1])
    Deployment.objects.filter(pk=rollout.pk).update(held_until=after(300), stumbles=9)
    rollout.refresh_from_db()
    moves.roll_back(rollout, actor=None, now=after(2))
    assert plant.tick(rollout, after(2))[-1] == "Rolled back: 1 device put back."


@pytest.fixture
def ten():
    return [plant.a_device(path=f"oven-{number}") for number in range(10)]


def test_a_pause_does_not_weigh_failures_against_fewer_devices(ten):
    rollout = plant.a_rollout(ten, max_failures=5, rollback_percent="25")
    failing(ten[0], 1)
    failing(ten[1], 1)
    plant.install(ten[2], after(1))
    plant.tick(rollout, after(1))
    moves.pause(rollout, actor=None, now=after(2))
    assert plant.tick(rollout, after(2)) == []
    assert (rollout.stage, plant.states_of(rollout)["queued"]) == ("paused", 7)


def test_what_is_held_for_one_failure_is_not_undone_for_it(ten):
    rules = {"batch_by": "size", "batch_size": 8, "rollback_percent": "25"}
    rollout = plant.a_rollout(ten, kind="rolling", **rules)
    failing(ten[0], 1)
    assert plant.tick(rollout, after(1)) == ["Batch 1: 1 of 8 failed, 0 allowed: held."]
    assert rollout.stage == "held"


def test_drift_counts_while_the_failed_ones_are_tried_again(devices):
    rollout = plant.a_rollout(devices[:2], max_failures=1)
    plant.install(devices[0])
    failing(devices[1], 1)
    plant.tick(rollout, after(1))
    assert rollout.stage == "completed"
    moves.retry_failed(rollout, actor=None, now=after(2))
    plant.tick(rollout, after(2))
    plant.tell(devices[0], "failed", now=after(3))
    plant.tick(rollout, after(3))
    assert plant.states_of(rollout) == {"failed": 1, "pending": 1}


def test_a_rollback_counts_only_devices_that_it_was_sent_to(ten):
    rules = {"batch_by": "size", "batch_size": 3, "rollback_count": 0}
    rollout = plant.a_rollout(ten, kind="rolling", **rules)
    plant.install(ten[0])
    failing(ten[1], 1)
    assert plant.tick(rollout, after(1)) == [
        "1 device failed, 0 allowed: rolling back.",
        "Putting back what ran before on 3 devices.",
        "Never sent to 7 devices: nothing to put back there.",
    ]
