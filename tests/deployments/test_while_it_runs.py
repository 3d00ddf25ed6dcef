"""What changes around a rollout while it runs: groups, people, versions, devices, the engine."""

import json

import pytest
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from applications.models import ApplicationVersion
from deployments import drafting, moves, submitting
from deployments.models import Deployment, Instance, Revision, Workload
from devices import labels, registry
from devices.models import Device, DeviceGroup
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db

BATCHES = {"kind": "rolling", "batch_by": "size", "batch_size": 1}


def devices(number: int) -> list[Device]:
    return [plant.a_device() for _ in range(number)]


def released(deployment: Deployment) -> list[str]:
    """The lines of history about batches that were sent out, oldest first."""
    lines = deployment.events.filter(kind="released").order_by("pk")
    return list(lines.values_list("sentence", flat=True))


def page_of(deployment: Deployment) -> str:
    url = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    return cast.sign_in(cast.viewer()).get(url).content.decode()


# Groups


def by_hand(group: DeviceGroup, members: list[Device]) -> None:
    group.members.set(members)


def by_selector(group: DeviceGroup, members: list[Device]) -> None:
    group.selector = "line=4"
    group.save(update_fields=["selector"])
    for device in Device.objects.all():
        labels.assign(device, {"line": ["4"]} if device in members else {})


@pytest.mark.parametrize("gather", [by_hand, by_selector])
def test_who_joins_the_group_gets_nothing_and_who_leaves_it_stays(gather):
    first, second, late = devices(3)
    group = DeviceGroup.objects.create(name="Line 4", created_at=NOON)
    gather(group, [first, second])
    rollout = plant.a_draft([], **BATCHES)
    drafting.choose_devices(rollout, {"groups": [group.pk]}, actor=None, now=NOON)
    submitting.submit(rollout, actor=None, now=NOON)
    moves.start(rollout, actor=None, now=NOON)
    plant.tick(rollout)
    gather(group, [first, late])
    plant.install(first, after(1))
    plant.tick(rollout, after(1))
    assert plant.states_of(rollout) == {"installed": 1, "pending": 1}
    plant.install(second, after(2))
    plant.tick(rollout, after(2))
    assert rollout.stage == "completed"
    assert set(rollout.instances.values_list("device", flat=True)) == {first.pk, second.pk}
    assert json.loads(plant.poll(late, after(2)).body)["deployments"] == []


# People


def deleted(person: User) -> None:
    person.delete()


def deactivated(person: User) -> None:
    url = reverse("admin:accounts_user_change", args=[person.pk])
    cast.sign_in(cast.admin()).post(url, {"role": Role.OPERATOR.value, "is_active": ""})
    assert not User.objects.get(pk=person.pk).is_active


def without_a_role(person: User) -> None:
    person.groups.clear()


@pytest.mark.parametrize("lose", [deleted, deactivated, without_a_role])
@pytest.mark.parametrize("when", ["before its time", "while it runs"])
def test_the_engine_goes_on_whatever_becomes_of_who_began_it(lose, when):
    author, both = cast.operator(), devices(2)
    rollout = drafting.create(
        version=plant.a_version(),
        profile_id="compose",
        name="Rollout",
        actor=author,
        now=NOON,
        targeting={"ids": [device.pk for device in both]},
    )
    drafting.set_rollout(rollout, BATCHES, actor=author, now=NOON)
    submitting.submit(rollout, actor=author, now=NOON)
    moves.schedule(rollout, after(60), actor=author, now=NOON)
    if when == "before its time":
        lose(author)
    plant.tick(rollout, after(60))
    if when == "while it runs":
        lose(author)
    for device in both:
        plant.install(device, after(61))
        plant.tick(rollout, after(61))
    assert (rollout.stage, rollout.status) == ("completed", "installed")
    assert "Completed" in page_of(rollout)


# The version


def test_a_version_deprecated_since_the_draft_is_told_and_refused_at_submit():
    draft = plant.a_draft(devices(1))
    ApplicationVersion.objects.update(state="deprecated")
    draft = Deployment.objects.get(pk=draft.pk)
    [problem] = submitting.preview(draft, now=NOON).problems
    assert problem == "Mixer 1.0.0 is deprecated: choose another version."
    with pytest.raises(moves.MoveRefusedError, match="is deprecated"):
        submitting.submit(draft, actor=None, now=NOON)
    assert not Instance.objects.exists()


def test_a_version_deprecated_before_the_set_time_does_not_start_and_says_why():
    ready = plant.a_ready_deployment(devices(1))
    moves.schedule(ready, after(60), actor=None, now=NOON)
    ApplicationVersion.objects.update(state="deprecated")
    plant.tick(ready, after(60))
    assert (ready.stage, ready.start_at, plant.states_of(ready)) == ("ready", None, {"queued": 1})
    assert "Mixer 1.0.0 was deprecated" in ready.events.first().sentence


def test_a_version_deprecated_while_it_runs_is_rolled_out_to_the_end():
    first, second = both = devices(2)
    rollout = plant.a_rollout(both, **BATCHES)
    ApplicationVersion.objects.update(state="deprecated")
    plant.install(first, after(1))
    plant.tick(rollout, after(1))
    plant.install(second, after(2))
    plant.tick(rollout, after(2))
    assert (rollout.stage, plant.states_of(rollout)) == ("completed", {"installed": 2})


# Devices


def test_who_shrinks_before_its_batch_comes_gets_what_was_planned_and_may_refuse():
    """Told before the start and not during it: a plan that runs is carried out as it was frozen."""
    first, second = both = devices(2)
    rollout = plant.a_rollout(both, **BATCHES)
    Device.objects.filter(pk=second.pk).update(properties={**second.properties, "memory": "1Ki"})
    plant.install(first, after(1))
    plant.tick(rollout, after(1))
    plant.poll(second, after(2))
    plant.tell(second, "failed", error="not enough memory", now=after(2))
    plant.tick(rollout, after(2))
    row = Instance.objects.get(device=second)
    assert (row.state, row.failure, row.last_error) == ("failed", "rejected", "not enough memory")
    assert (rollout.stage, rollout.status) == ("completed", "failed")


def test_batches_of_devices_that_do_not_fit_hold_nobody_up():
    fits, *small = plant.a_device(), plant.a_device(memory="1Ki"), plant.a_device(memory="1Ki")
    rollout = plant.a_rollout([*small, fits], **BATCHES, batch_gate="manual")
    assert plant.states_of(rollout) == {"pending": 1, "skipped": 2}
    plant.install(fits, after(1))
    plant.tick(rollout, after(1))
    assert (rollout.stage, rollout.status) == ("completed", "installed")
    assert rollout.summary == {"total": 3, "counts": {"installed": 1, "skipped": 2}}
    assert not Workload.objects.filter(device__in=small).exists()


def test_the_numbers_add_up_when_a_gateway_leaves_with_all_behind_it():
    client, other = plant.a_client("gateway"), plant.a_device()
    gateway, quick, slow = (plant.a_device(client, path) for path in ("gw", "gw/a", "gw/b"))
    rollout = plant.a_rollout([gateway, quick, slow, other], max_failures=2)
    plant.install(quick)
    registry.remove(client, "gw", after(1))
    plant.tick(rollout, after(1))
    counts = {"installed": 1, "failed": 2, "pending": 1}
    assert (plant.states_of(rollout), rollout.stage) == (counts, "rolling")
    assert rollout.summary == {"total": 4, "counts": counts}
    plant.install(other, after(2))
    plant.tick(rollout, after(2))
    assert (rollout.stage, rollout.status) == ("completed", "installed")
    assert rollout.summary == {"total": 4, "counts": {"installed": 2, "failed": 2}}


def test_a_threshold_holds_when_all_devices_have_left():
    both = devices(2)
    rollout = plant.a_rollout(both, rollback_percent="99.99")
    for device in both:
        registry.remove(device.client, device.path, after(1))
    assert plant.tick(rollout, after(1))[0] == (
        "2 of 2 released devices failed (100 %), 99.99 % allowed: rolling back."
    )
    assert (rollout.stage, rollout.due_at) == ("rolled_back", None)


def paused(rollout: Deployment, other: Device) -> None:
    moves.pause(rollout, actor=None, now=after(61))


def held(rollout: Deployment, other: Device) -> None:
    stages.fail(other, now=after(61))


def rolled_back(rollout: Deployment, other: Device) -> None:
    moves.roll_back(rollout, actor=None, now=after(61))


@pytest.mark.parametrize("stop", [paused, held, rolled_back])
def test_an_offline_device_that_returns_when_it_is_stopped_gets_nothing_new(stop):
    """Nothing uses up a place for it, and what it did not hear of in time it does not get."""
    offline, other, _ = fleet = devices(3)
    rules = {"offline": "move_on", "offline_after_seconds": 60, "batch_gate": "manual"}
    rollout = plant.a_rollout(fleet, **BATCHES, **rules)
    plant.tick(rollout, after(60))
    moves.approve_batch(rollout, actor=None, now=after(60))
    plant.tick(rollout, after(60))
    assert plant.states_of(rollout) == {"deferred": 1, "pending": 1, "queued": 1}
    stop(rollout, other)
    plant.tick(rollout, after(61))
    assert rollout.stage in {"paused", "held", "rolled_back"}
    assert json.loads(plant.poll(offline, after(62)).body)["deployments"] == []
    if rollout.stage != "rolled_back":
        moves.resume(rollout, actor=None, now=after(63))
        plant.tick(rollout, after(63))
        plant.install(offline, after(64))
        assert Instance.objects.get(device=offline).state == "installed"


def test_who_runs_it_already_is_skipped_and_the_page_says_why():
    device, version = plant.a_device(path="press-1"), plant.a_version()
    for _ in range(2):
        rollout = plant.a_rollout([device], version)
        if rollout.stage == "rolling":
            plant.install(device)
            plant.tick(rollout)
    assert (rollout.stage, plant.states_of(rollout)) == ("completed", {"skipped": 1})
    text = page_of(rollout)
    assert "Already runs this version with these parameters" in text
    assert "0 of 1 installed, 1 skipped" in text


# The engine


def test_hours_without_the_engine_send_nothing_twice_and_lose_nothing():
    """A start, a delay and a limit run out while nobody looks; each counts from the next look."""
    first, second, *_ = fleet = devices(4)
    rules = {"batch_delay_seconds": 60, "offline_wait_seconds": 7200}
    rollout = plant.a_ready_deployment(fleet, **BATCHES, **rules)
    moves.schedule(rollout, after(60), actor=None, now=NOON)
    plant.tick(rollout, after(3600))
    plant.install(first, after(3700))
    plant.tick(rollout, after(7200))
    assert (rollout.stage, rollout.due_at) == ("gate", after(7260))
    plant.tick(rollout, after(10_800))
    assert plant.states_of(rollout) == {"installed": 1, "pending": 1, "queued": 2}
    plant.tick(rollout, after(30_000))
    assert plant.states_of(rollout) == {"installed": 1, "failed": 1, "queued": 2}
    assert rollout.stage == "held"
    assert len(released(rollout)) == 2
    assert sorted(Revision.objects.values_list("workload__device", flat=True)) == sorted(
        [first.pk, second.pk]
    )
