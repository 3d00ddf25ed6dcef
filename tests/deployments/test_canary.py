"""A canary first, the rest when it is well: gates, delays, holds."""

import pytest

from deployments import engine, moves
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db

CANARY = {"kind": "canary", "canary_by": "count", "canary_count": 1}
BATCHES = {"kind": "rolling", "batch_by": "size", "batch_size": 1}


@pytest.fixture
def devices():
    return [plant.a_device(path=f"press-{number}") for number in range(4)]


def test_the_rest_follows_when_somebody_promotes_the_canary(devices):
    rollout = plant.a_rollout(devices, **CANARY)
    assert plant.states_of(rollout) == {"pending": 1, "queued": 3}
    plant.install(devices[0])
    assert plant.tick(rollout) == [
        "Canary ended: 1 installed.",
        "Canary: 1 of 1 installed, 0 failed: waiting for somebody to let the rollout go on.",
    ]
    assert (rollout.stage, rollout.gate, rollout.gate_batch) == ("gate", "canary", 1)
    assert rollout.status == "installing"
    assert plant.tick(rollout, after(86_400)) == []
    moves.promote_canary(rollout, actor=None, now=after(10))
    assert plant.tick(rollout, after(10)) == ["The rest: released to 3 devices."]
    for device in devices[1:]:
        plant.install(device, after(20))
    assert plant.tick(rollout, after(20))[-1] == "Completed: 4 of 4 installed."
    assert (rollout.stage, rollout.status) == ("completed", "installed")


def test_the_rest_follows_by_itself_after_the_soak(devices):
    rules = {"canary_gate": "automatic", "canary_soak_seconds": 300}
    rollout = plant.a_rollout(devices, **CANARY, **rules)
    plant.install(devices[0], after(10))
    assert plant.tick(rollout, after(10))[-1] == (
        "Canary: 1 of 1 installed, 0 failed: the next batch follows in 5 minutes."
    )
    assert rollout.due_at == after(310)
    assert plant.tick(rollout, after(309)) == []
    assert plant.tick(rollout, after(310)) == [
        "Canary stayed healthy for 5 minutes: the next batch follows.",
        "The rest: released to 3 devices.",
    ]


def test_during_the_soak_somebody_may_promote_already(devices):
    rules = {"canary_gate": "automatic", "canary_soak_seconds": 300}
    rollout = plant.a_rollout(devices, **CANARY, **rules)
    plant.install(devices[0])
    plant.tick(rollout)
    moves.promote_canary(rollout, actor=None, now=after(1))
    assert plant.tick(rollout, after(1)) == ["The rest: released to 3 devices."]


def test_a_canary_that_drifts_at_its_gate_holds_the_rollout(devices):
    rollout = plant.a_rollout(devices, **CANARY)
    plant.install(devices[0])
    plant.tick(rollout)
    plant.tell(devices[0], "failed", error="It crashed.", now=after(60))
    assert plant.tick(rollout, after(60)) == ["Canary: 1 of 1 failed, 0 allowed: held."]
    assert rollout.stage == "held"
    with pytest.raises(MoveRefusedError, match="is held: Promote Canary is possible while"):
        moves.promote_canary(rollout, actor=None, now=after(61))


def test_batches_follow_each_other_and_each_gate_needs_its_own_approval(devices):
    rollout = plant.a_rollout(devices[:3], **BATCHES, batch_gate="manual")
    plant.install(devices[0])
    plant.tick(rollout)
    stale = Deployment.objects.get(pk=rollout.pk)
    moves.approve_batch(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    plant.install(devices[1], after(2))
    plant.tick(rollout, after(2))
    assert (rollout.stage, rollout.gate_batch) == ("gate", 2)
    with pytest.raises(MoveRefusedError, match="changed while you were looking"):
        moves.approve_batch(stale, actor=None, now=after(3))
    with pytest.raises(MoveRefusedError, match="Promote Canary is possible while"):
        moves.promote_canary(rollout, actor=None, now=after(3))


def test_a_batch_with_more_failures_than_allowed_is_held_and_can_be_resumed(devices):
    rollout = plant.a_rollout(devices, kind="rolling", batch_by="size", batch_size=2)
    plant.install(devices[0])
    plant.poll(devices[1])
    plant.fetch(devices[1])
    plant.tell(devices[1], "failed")
    assert plant.tick(rollout) == [
        "Batch 1: 1 of 2 failed, 0 allowed: held.",
        "Batch 1 ended: 1 installed, 1 failed.",
    ]
    assert plant.tick(rollout, after(1)) == []
    moves.resume(rollout, actor=None, now=after(2))
    assert plant.tick(rollout, after(2)) == ["Batch 2: released to 2 devices."]
    for device in devices[2:]:
        plant.install(device, after(3))
    assert plant.tick(rollout, after(3))[-1] == "Completed: Batch 1: 1 of 2 failed, 0 allowed."
    assert rollout.status == "failed"


def test_failed_devices_of_a_held_batch_are_tried_again_and_no_others(devices):
    rollout = plant.a_rollout(devices, kind="rolling", batch_by="size", batch_size=2)
    plant.install(devices[0])
    first = plant.poll(devices[1])
    plant.fetch(devices[1])
    plant.tell(devices[1], "failed")
    plant.tick(rollout)
    moves.retry_failed(rollout, actor=None, now=after(2))
    assert plant.tick(rollout, after(2)) == ["Batch 1: released to 1 device."]
    assert plant.states_of(rollout) == {"installed": 1, "pending": 1, "queued": 2}
    assert plant.poll(devices[1], after(3)).version > first.version
    plant.install(devices[1], after(4))
    plant.tick(rollout, after(4))
    assert plant.states_of(rollout) == {"installed": 2, "pending": 2}


def test_a_retry_is_published_under_a_new_digest(devices):
    rollout = plant.a_rollout(devices[:1], retry_failed=1)
    first = plant.poll(devices[0])
    plant.fetch(devices[0])
    plant.tell(devices[0], "failed")
    assert plant.tick(rollout) == ["All devices: trying again on 1 device."]
    again = plant.poll(devices[0], after(1))
    assert (again.version, again.body != first.body) == (first.version + 1, True)
    plant.fetch(devices[0], after(1))
    plant.tell(devices[0], "failed", now=after(2))
    assert plant.tick(rollout, after(2))[-1] == "Completed: 1 of 1 failed, 0 allowed."


def test_pause_takes_back_what_no_device_has_seen_and_resume_releases_it_again(devices):
    rollout = plant.a_rollout(devices)
    plant.poll(devices[0])
    moves.pause(rollout, actor=None, now=after(1), reason="Line 4 is in maintenance")
    assert plant.states_of(rollout) == {"pending": 1, "queued": 3}
    assert plant.tick(rollout, after(1)) == []
    plant.install(devices[0], after(2))
    assert plant.tick(rollout, after(2)) == []
    assert rollout.stage == "paused"
    moves.resume(rollout, actor=None, now=after(3))
    assert plant.tick(rollout, after(3)) == ["All devices: released to 3 devices."]
    for device in devices[1:]:
        plant.install(device, after(4))
    plant.tick(rollout, after(4))
    assert plant.states_of(rollout) == {"installed": 4}
    assert engine.tick(rollout.pk, now=after(5)) == []


def test_a_pause_at_a_gate_starts_the_delay_again(devices):
    rules = {"batch_delay_seconds": 100}
    rollout = plant.a_rollout(devices, **BATCHES, **rules)
    plant.install(devices[0])
    plant.tick(rollout)
    moves.pause(rollout, actor=None, now=after(90))
    assert plant.tick(rollout, after(500)) == []
    moves.resume(rollout, actor=None, now=after(500))
    assert plant.tick(rollout, after(500))[-1].endswith(
        "the next batch follows in 1 minute 40 seconds."
    )
    assert plant.tick(rollout, after(599)) == []
    assert plant.tick(rollout, after(600))[-1] == "Batch 2: released to 1 device."


def test_an_offline_device_does_not_hold_up_its_batch(devices):
    rules = {"offline": "move_on", "offline_after_seconds": 60, "offline_wait_seconds": 600}
    rollout = plant.a_rollout(devices[:2], **BATCHES, **rules, batch_gate="automatic")
    assert plant.tick(rollout, after(60))[0] == (
        "Batch 1: 1 device did not come for it within 1 minute: going on without."
    )
    assert (rollout.stage, rollout.gate_batch) == ("gate", 1)
    moves.approve_batch(rollout, actor=None, now=after(61))
    plant.tick(rollout, after(61))
    plant.install(devices[1], after(62))
    plant.tick(rollout, after(62))
    assert rollout.stage == "rolling"
    plant.install(devices[0], after(400))
    assert plant.tick(rollout, after(400))[-1] == "Completed: 2 of 2 installed."


def test_a_scheduled_deployment_starts_by_itself_and_not_before(devices):
    ready = plant.a_ready_deployment(devices)
    moves.schedule(ready, after(3600), actor=None, now=plant.NOON)
    assert plant.tick(ready, after(3599)) == []
    assert plant.tick(ready, after(3600)) == [
        "Started at the time that was set.",
        "All devices: released to 4 devices.",
    ]


def test_a_scheduled_start_that_is_refused_says_so_and_leaves_it_to_a_person(devices):
    ready = plant.a_ready_deployment(devices)
    moves.schedule(ready, after(3600), actor=None, now=plant.NOON)
    plant.a_rollout(devices[:1], ready.version)
    plant.tick(ready, after(3600))
    assert (ready.stage, ready.start_at, ready.due_at) == ("ready", None, None)
    assert "is changing Mixer on press-0" in ready.events.first().sentence
