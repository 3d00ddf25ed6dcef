"""Undoing a rollout: by hand and by itself, each device gets its own previous revision back."""

import json

import pytest

from deployments import moves
from deployments.models import Instance, Workload
from deployments.moves import MoveRefusedError
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def devices():
    return [plant.a_device(path=f"press-{number}") for number in range(4)]


def running(devices, version):
    """These devices run this version, by a deployment that has completed."""
    done = plant.a_rollout(devices, version)
    for device in devices:
        plant.install(device)
    plant.tick(done)
    assert done.stage == "completed"
    return done


def fail(device, now=plant.NOON):
    plant.poll(device, now)
    plant.fetch(device, now)
    plant.tell(device, "failed", now=now)


def wanted(device):
    """The version in the device's published document, or None without one."""
    deployments = json.loads(plant.poll(device, after(5000)).body)["deployments"]
    if not deployments:
        return None
    return plant.fetch(device, after(5000)).decode()


def test_too_many_failures_undo_everything_by_themselves(devices):
    running(devices[:2], plant.a_version("1.0.0"))
    rollout = plant.a_rollout(devices, plant.a_version("2.0.0"), rollback_percent="25.00")
    fail(devices[0])
    assert plant.tick(rollout) == []
    fail(devices[1])
    steps = plant.tick(rollout)
    assert steps[0] == "2 of 4 released devices failed (50 %), 25 % allowed: rolling back."
    assert (rollout.stage, rollout.status) == ("rolling_back", "removing")
    assert plant.states_of(rollout) == {"removing": 2, "removed": 2}
    for device in devices[:2]:
        assert 'applicationVersion: "1.0.0"' in wanted(device)
        plant.tell(device, "installed", now=after(10))
    assert plant.tick(rollout, after(10)) == ["Rolled back: 4 devices put back."]
    assert (rollout.stage, rollout.status) == ("rolled_back", "removed")
    assert not Instance.objects.filter(holds=True).exists()


def test_each_device_gets_its_own_previous_version_and_the_others_are_left_alone(devices):
    running(devices[:1], plant.a_version("1.0.0"))
    running(devices[1:2], plant.a_version("1.5.0"))
    strategy = {"kind": "canary", "canary_by": "count", "canary_count": 3}
    rollout = plant.a_rollout(devices, plant.a_version("2.0.0"), **strategy)
    for device in devices[:3]:
        plant.install(device)
    plant.tick(rollout)
    untouched = plant.poll(devices[3]).body
    moves.roll_back(rollout, actor=None, now=after(5), reason="Too loud")
    plant.tick(rollout, after(5))
    assert plant.states_of(rollout) == {"removing": 3, "cancelled": 1}
    assert 'applicationVersion: "1.0.0"' in wanted(devices[0])
    assert 'applicationVersion: "1.5.0"' in wanted(devices[1])
    assert wanted(devices[2]) is None
    assert plant.poll(devices[3], after(6)).body == untouched
    plant.tell(devices[0], "installed", now=after(7))
    plant.tell(devices[1], "installed", now=after(7))
    plant.tell(devices[2], "installed", now=after(7))
    plant.tell(devices[2], "removing", now=after(7))
    assert plant.tick(rollout, after(7)) == []
    plant.tell(devices[2], "removed", now=after(8))
    assert plant.tick(rollout, after(8)) == ["Rolled back: 3 devices put back."]
    assert Workload.objects.get(device=devices[2]).installed is None


def test_a_restored_version_comes_under_a_new_digest(devices):
    device = devices[0]
    running([device], plant.a_version("1.0.0"))
    first = json.loads(plant.poll(device).body)["deployments"][0]["digest"]
    rollout = plant.a_rollout([device], plant.a_version("2.0.0"))
    plant.install(device)
    plant.tick(rollout)
    moves.roll_back(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    assert json.loads(plant.poll(device, after(2)).body)["deployments"][0]["digest"] != first


def test_what_never_reached_a_device_is_over_at_once(devices):
    rollout = plant.a_rollout(devices, plant.a_version("2.0.0"))
    moves.roll_back(rollout, actor=None, now=after(1))
    assert plant.tick(rollout, after(1))[-1] == "Rolled back: 4 devices put back."
    assert plant.states_of(rollout) == {"removed": 4}


def test_a_device_that_cannot_be_put_back_can_be_tried_again_or_given_up(devices):
    running(devices[:2], plant.a_version("1.0.0"))
    rollout = plant.a_rollout(devices[:2], plant.a_version("2.0.0"))
    for device in devices[:2]:
        plant.install(device)
    plant.tick(rollout)
    moves.roll_back(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    plant.poll(devices[0], after(2))
    plant.fetch(devices[0], after(2))
    plant.tell(devices[0], "failed", error="No space.", now=after(2))
    assert plant.tick(rollout, after(2)) == []
    assert plant.states_of(rollout) == {"failed": 1, "removing": 1}
    moves.retry_failed(rollout, actor=None, now=after(3))
    plant.tick(rollout, after(3))
    assert plant.states_of(rollout) == {"removing": 2}
    plant.install(devices[0], after(4))
    moves.give_up_rest(rollout, actor=None, now=after(5))
    assert plant.tick(rollout, after(5)) == ["Rolled back: 1 of 2 could not be put back."]
    assert (rollout.stage, rollout.status) == ("rolled_back", "failed")
    moves.retry_failed(rollout, actor=None, now=after(6))
    plant.install(devices[1], after(7))
    assert plant.tick(rollout, after(7)) == ["Rolled back: 2 devices put back."]


def test_what_another_deployment_changed_since_is_left_to_it(devices):
    first = running(devices[:2], plant.a_version("1.0.0"))
    running(devices[:1], plant.a_version("2.0.0"))
    moves.roll_back(first, actor=None, now=after(1))
    plant.tick(first, after(1))
    assert plant.states_of(first) == {"superseded": 1, "removing": 1}


def test_a_version_that_was_rolled_back_is_stepped_past_the_next_time(devices):
    device = devices[0]
    running([device], plant.a_version("1.0.0"))
    bad = running([device], plant.a_version("2.0.0"))
    moves.roll_back(bad, actor=None, now=after(1))
    plant.tick(bad, after(1))
    # It never said that it runs 1.0.0 again when the next one comes.
    moves.give_up_rest(bad, actor=None, now=after(2))
    plant.tick(bad, after(2))
    third = plant.a_rollout([device], plant.a_version("3.0.0"))
    plant.install(device, after(3))
    plant.tick(third, after(3))
    moves.roll_back(third, actor=None, now=after(4))
    plant.tick(third, after(4))
    assert 'applicationVersion: "1.0.0"' in wanted(device)


def test_failed_devices_of_a_completed_deployment_are_tried_again(devices):
    rollout = plant.a_rollout(devices[:2])
    plant.install(devices[0])
    fail(devices[1])
    plant.tick(rollout)
    assert (rollout.stage, rollout.status) == ("completed", "failed")
    moves.retry_failed(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    assert plant.states_of(rollout) == {"installed": 1, "pending": 1}
    plant.install(devices[1], after(2))
    plant.tick(rollout, after(2))
    assert (rollout.stage, rollout.status) == ("completed", "installed")
    with pytest.raises(MoveRefusedError, match="no failed device"):
        moves.retry_failed(rollout, actor=None, now=after(3))


def test_what_was_installed_is_put_back_not_what_was_wanted(devices):
    device = devices[0]
    running([device], plant.a_version("1.0.0"))
    never_well = plant.a_rollout([device], plant.a_version("2.0.0"))
    fail(device)
    plant.tick(never_well)
    assert never_well.status == "failed"
    third = plant.a_rollout([device], plant.a_version("3.0.0"))
    plant.install(device, after(3))
    plant.tick(third, after(3))
    moves.roll_back(third, actor=None, now=after(4))
    plant.tick(third, after(4))
    assert 'applicationVersion: "1.0.0"' in wanted(device)


def test_tries_that_no_device_has_seen_leave_what_ran_before(devices):
    device = devices[0]
    running([device], plant.a_version("1.0.0"))
    rules = {"retry_unreachable": 1, "offline": "fail", "offline_after_seconds": 60}
    rollout = plant.a_rollout([device], plant.a_version("2.0.0"), **rules)
    assert plant.tick(rollout, after(60))[-1] == "All devices: trying again on 1 device."
    moves.pause(rollout, actor=None, now=after(61))
    assert Workload.objects.get(device=device).wanted.version.version == "1.0.0"
    assert 'applicationVersion: "1.0.0"' in wanted(device)


def test_failure_is_judged_before_success(devices):
    """The last report of a batch ends it well enough, and the whole rollout badly."""
    rollout = plant.a_rollout(devices[:2], max_failures=1, rollback_count=0)
    plant.install(devices[0])
    fail(devices[1])
    assert plant.tick(rollout)[0] == "1 device failed, 0 allowed: rolling back."


def test_no_automatic_rollback_before_enough_devices_were_released(devices):
    strategy = {"kind": "canary", "canary_by": "count", "canary_count": 1, "max_failures": 1}
    rules = {"rollback_percent": "10", "rollback_min_released": 2}
    rollout = plant.a_rollout(devices, **strategy, **rules)
    fail(devices[0])
    assert plant.tick(rollout)[-1].startswith("Canary: 0 of 1 installed, 1 failed: waiting")
    moves.promote_canary(rollout, actor=None, now=after(1))
    assert plant.tick(rollout, after(1))[:2] == [
        "The rest: released to 3 devices.",
        "1 of 4 released devices failed (25 %), 10 % allowed: rolling back.",
    ]


@pytest.mark.parametrize("verb", ["pause", "hold", "gate"])
def test_it_is_undone_by_itself_wherever_it_stands(devices, verb):
    strategy = {"kind": "canary", "canary_by": "count", "canary_count": 3, "rollback_count": 1}
    allowed = 0 if verb == "hold" else 3
    rollout = plant.a_rollout(devices, **strategy, max_failures=allowed)
    for device in devices[:3]:
        plant.poll(device)
        plant.fetch(device)
    if verb == "pause":
        moves.pause(rollout, actor=None, now=after(1))
    if verb == "gate":
        for device in devices[:3]:
            plant.tell(device, "installed", now=after(1))
    else:
        plant.tell(devices[0], "failed", now=after(1))
    plant.tick(rollout, after(1))
    assert rollout.stage == {"pause": "paused", "hold": "held", "gate": "gate"}[verb]
    for device in devices[:2]:
        plant.tell(device, "failed", error="Broken.", now=after(2))
    assert plant.tick(rollout, after(2))[0] == "2 devices failed, 1 allowed: rolling back."


def test_it_is_undone_once_and_later_failures_change_nothing(devices):
    rollout = plant.a_rollout(devices, rollback_count=0)
    for device in devices:
        plant.poll(device)
        plant.fetch(device)
    plant.tell(devices[0], "failed", now=after(1))
    plant.tick(rollout, after(1))
    for device in devices[1:]:
        plant.tell(device, "failed", now=after(2))
    plant.tick(rollout, after(2))
    assert rollout.events.filter(to_stage="rolling_back").count() == 1


def test_a_device_that_has_left_the_fleet_is_not_waited_for(devices):
    rollout = plant.a_rollout(devices[:2])
    for device in devices[:2]:
        plant.install(device)
    plant.tick(rollout)
    devices[0].client.state = "retired"
    devices[0].client.save(update_fields=["state"])
    moves.roll_back(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    assert plant.states_of(rollout) == {"failed": 1, "removing": 1}


def test_a_device_that_another_rollout_is_changing_is_left_to_it(devices):
    first = running(devices[:2], plant.a_version("1.0.0"))
    other = plant.a_ready_deployment(devices[:1], plant.a_version("2.0.0"))
    moves.start(other, actor=None, now=after(1))
    moves.roll_back(first, actor=None, now=after(2))
    plant.tick(first, after(2))
    assert plant.states_of(first) == {"superseded": 1, "removing": 1}
    assert Instance.objects.get(deployment=other).holds


def test_a_cancelled_rollout_can_still_be_undone(devices):
    rollout = plant.a_rollout(devices[:2], plant.a_version("2.0.0"))
    plant.install(devices[0])
    moves.cancel(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    assert (rollout.stage, plant.states_of(rollout)) == (
        "cancelled",
        {"installed": 1, "cancelled": 1},
    )
    moves.roll_back(rollout, actor=None, now=after(2), reason="Not wanted after all")
    plant.tick(rollout, after(2))
    assert plant.states_of(rollout) == {"removing": 1, "cancelled": 1}
    event = rollout.events.get(to_stage="rolling_back")
    assert (event.from_stage, event.reason) == ("cancelled", "Not wanted after all")


def test_the_version_before_is_put_back_although_it_was_deprecated_meanwhile(devices):
    old = plant.a_version("1.0.0")
    running(devices[:1], old)
    rollout = running(devices[:1], plant.a_version("2.0.0"))
    old.state = "deprecated"
    old.save(update_fields=["state"])
    moves.roll_back(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    assert 'applicationVersion: "1.0.0"' in wanted(devices[0])


def test_a_removal_that_failed_is_tried_again_with_a_newer_manifest():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    plant.tick(rollout)
    moves.roll_back(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    first = plant.poll(device, after(2))
    plant.tell(device, "failed", error="Still in use.", now=after(2))
    plant.tick(rollout, after(2))
    moves.retry_failed(rollout, actor=None, now=after(3))
    plant.tick(rollout, after(3))
    again = plant.poll(device, after(4))
    assert again.version == first.version + 1
    # The same report once more is about the last try.
    plant.tell(device, "failed", error="Still in use.", adopted=first.version, now=after(5))
    assert plant.states_of(rollout) == {"removing": 1}
    plant.tell(device, "removed", now=after(6))
    assert plant.tick(rollout, after(6))[-1] == "Rolled back: 1 device put back."
    assert plant.poll(device, after(7)).version == again.version
