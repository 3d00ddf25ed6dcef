"""A rollback reaches a device that asks from the moment it is decided, before the engine comes."""

import json

import pytest

from deployments import engine, moves, publishing
from deployments.models import Instance, Revision
from deployments.moves import restoring
from tests.deployments import plant
from tests.deployments.plant import after
from tests.deployments.racing import at_once, first_waits, in_between, on_postgresql, without_locks

pytestmark = pytest.mark.django_db

race = pytest.mark.django_db(transaction=True)


def running(devices, version):
    """These devices run this version, by a deployment that has completed."""
    done = plant.a_rollout(devices, version)
    for device in devices:
        plant.install(device)
    plant.tick(done)
    assert done.stage == "completed"
    return done


def undone(devices):
    """Version 2 over version 1, and somebody has just pressed Rollback."""
    running(devices, plant.a_version("1.0.0"))
    rollout = running(devices, plant.a_version("2.0.0"))
    moves.roll_back(rollout, actor=None, now=after(1))
    return rollout


def digests(device):
    """What the client of this device is told to run."""
    return [one["digest"] for one in json.loads(plant.poll(device, after(2)).body)["deployments"]]


def behind_a_gateway():
    gateway = plant.a_client()
    return [plant.a_device(gateway, f"{gateway.name}/{number}") for number in range(2)]


def test_a_device_that_asks_gets_it_before_the_engine_has_come_to_it():
    devices = [plant.a_device() for _ in range(3)]
    rollout = undone(devices)
    before = devices[0].client.manifests.latest("version").version
    published = plant.poll(devices[0], after(2))
    assert published.version == before + 1
    assert 'applicationVersion: "1.0.0"' in plant.fetch(devices[0], after(2)).decode()
    assert plant.states_of(rollout) == {"removing": 1, "installed": 2}
    plant.tell(devices[0], "installed", now=after(3))
    assert plant.states_of(rollout) == {"removed": 1, "installed": 2}
    plant.tick(rollout, after(4))
    assert plant.states_of(rollout) == {"removed": 1, "removing": 2}
    for device in devices[1:]:
        plant.install(device, after(5))
    assert plant.tick(rollout, after(6)) == ["Rolled back: 3 devices put back."]
    told = rollout.events.filter(kind="restored").values_list("sentence", flat=True)
    assert list(told) == ["Putting back what ran before on 3 devices."]


def test_it_gets_it_once_and_the_engine_leaves_it_alone():
    device = plant.a_device()
    rollout = undone([device])
    first = plant.poll(device, after(2))
    assert plant.poll(device, after(3)) == first
    plant.tick(rollout, after(4))
    assert plant.poll(device, after(5)) == first
    assert Revision.objects.exclude(restores=None).count() == 1


def test_nothing_ran_before_so_it_is_taken_away():
    device = plant.a_device()
    rollout = running([device], plant.a_version())
    moves.roll_back(rollout, actor=None, now=after(1))
    assert digests(device) == []
    plant.tell(device, "removed", now=after(3))
    assert plant.tick(rollout, after(4)) == ["Rolled back: 1 device put back."]


def test_what_the_device_never_knew_about_is_over_without_a_new_manifest():
    device = plant.a_device()
    running([device], plant.a_version("1.0.0"))
    known = plant.poll(device)
    rollout = plant.a_rollout([device], plant.a_version("2.0.0"))
    moves.roll_back(rollout, actor=None, now=after(1))
    assert plant.poll(device, after(2)) == known
    assert plant.states_of(rollout) == {"removed": 1}
    assert plant.tick(rollout, after(3)) == ["Rolled back: 1 device put back."]


def test_behind_a_gateway_only_the_devices_of_the_rollback_change():
    ours, other = behind_a_gateway()
    running([other], plant.a_version(app_id="oven"))
    kept = digests(other)
    undone([ours])
    told = digests(ours)
    assert (len(told), set(kept) - set(told)) == (2, set())


def test_two_rollbacks_meet_in_one_manifest():
    devices, rollouts = behind_a_gateway(), []
    for device, app in zip(devices, ("press", "oven"), strict=True):
        running([device], plant.a_version("1.0.0", app_id=app))
        rollouts.append(running([device], plant.a_version("2.0.0", app_id=app)))
    before = plant.poll(devices[0]).version
    for rollout in rollouts:
        moves.roll_back(rollout, actor=None, now=after(1))
    assert plant.poll(devices[0], after(2)).version == before + 1
    assert [plant.states_of(rollout) for rollout in rollouts] == [{"removing": 1}] * 2


def test_the_engine_puts_back_in_several_transactions(monkeypatch):
    monkeypatch.setattr(restoring, "CHUNK", 2)
    devices = [plant.a_device() for _ in range(5)]
    rollout = undone(devices)
    steps = plant.tick(rollout, after(2))
    assert [step.split(" on ")[1] for step in steps] == ["5 devices.", "3 devices.", "1 device."]
    assert plant.states_of(rollout) == {"removing": 5}
    assert rollout.events.filter(kind="restored").count() == 1


def test_a_look_that_takes_long_gives_others_a_turn_and_the_next_goes_on(monkeypatch):
    monkeypatch.setattr(restoring, "CHUNK", 1)
    rollout = undone([plant.a_device() for _ in range(3)])
    monkeypatch.setattr(engine, "TURN_SECONDS", 0.0)
    for removing in range(1, 4):
        assert plant.states_of(rollout).get("removing", 0) == removing - 1
        assert engine.due(after(2)).filter(pk=rollout.pk).exists()
        assert len(plant.tick(rollout, after(2))) == 1
    assert plant.states_of(rollout) == {"removing": 3}


@race
@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])
def test_a_poll_and_the_engine_at_once_put_back_once(guarded, monkeypatch):
    device = plant.a_device()
    rollout = undone([device])
    if not guarded:
        without_locks(monkeypatch)
        monkeypatch.setattr(restoring, "_lock", lambda _: None)
    reached, go_on = first_waits(monkeypatch, restoring, "insert_from")
    outcomes = at_once(
        lambda: plant.poll(device, after(2)),
        in_between(reached, go_on, lambda: engine.tick(rollout.pk, now=after(2))),
    )
    assert not [one for one in outcomes if isinstance(one, Exception)]
    made = Revision.objects.exclude(restores=None).count()
    assert made == (2 if on_postgresql() and not guarded else 1)


@race
@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])
def test_a_poll_while_another_deployment_takes_the_device_leaves_it_to_that(guarded, monkeypatch):
    device = plant.a_device()
    third = plant.a_ready_deployment([device], plant.a_version("3.0.0"))
    undoing = undone([device])
    if not guarded:
        monkeypatch.setattr(publishing, "IntegrityError", NotImplementedError)
    reached, go_on = first_waits(monkeypatch, restoring, "insert_from")
    outcomes = at_once(
        lambda: plant.poll(device, after(2)),
        in_between(reached, go_on, lambda: moves.start(third, actor=None, now=after(2))),
    )
    assert Instance.objects.filter(holds=True).count() == 1
    if not on_postgresql():
        assert isinstance(outcomes[1], moves.MoveRefusedError)
    elif guarded:
        assert not [one for one in outcomes if isinstance(one, Exception)]
        assert plant.states_of(undoing) == {"superseded": 1}
    else:
        assert isinstance(outcomes[0], Exception)
