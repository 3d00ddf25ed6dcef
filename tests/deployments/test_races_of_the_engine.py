"""Gates, holds, retries and rollbacks at the same moment as something else.

As in test_races: a twin takes only the guard away and shows that the race exists. SQLite lets one
writer in at a time, so most twins show it on PostgreSQL only.
"""

from datetime import datetime

import pytest
from django.db import IntegrityError, OperationalError

from applications.models import ApplicationVersion
from deployments import engine, moves, publishing, reports, withdrawing
from deployments.models import Deployment, Event, Instance, Manifest, Revision, Workload
from deployments.moves import door, instances, restoring, steps
from deployments.states import Status
from devices.models import Client
from tests.deployments import plant
from tests.deployments.plant import NOON, after
from tests.deployments.racing import (
    UNTIL_DONE_SECONDS,
    at_once,
    both_reach,
    first_waits,
    in_between,
    on_postgresql,
    unguarded_mark,
    without_locks,
)

pytestmark = pytest.mark.django_db(transaction=True)

BATCHES = {"kind": "rolling", "batch_by": "size", "batch_size": 1, "batch_gate": "manual"}
GUARD = pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])


def at_a_gate(number: int = 3) -> tuple[Deployment, list]:
    """A rolling deployment that waits behind its first batch."""
    devices = [plant.a_device() for _ in range(number)]
    rollout = plant.a_rollout(devices, **BATCHES)
    plant.install(devices[0])
    plant.tick(rollout)
    assert rollout.stage == "gate"
    return rollout, devices


def _anything(deployment: Deployment, *, claimed: bool = False) -> object:
    return Deployment.objects.filter(pk=deployment.pk)


@GUARD
def test_two_people_who_approve_a_batch_at_once_open_one_gate(guarded, monkeypatch):
    rollout, _ = at_a_gate()
    if not guarded:
        monkeypatch.setattr(door, "unmoved", _anything)
    both_reach(monkeypatch, Deployment, "refresh_from_db")

    def approve() -> None:
        mine = Deployment.objects.get(pk=rollout.pk)
        mine.refresh_from_db()
        moves.approve_batch(mine, actor=None, now=after(1))

    outcomes = at_once(approve, approve)
    refused = [one for one in outcomes if isinstance(one, moves.MoveRefusedError)]
    approvals = rollout.events.filter(sentence__contains="was approved").count()
    assert (len(refused), approvals) == ((1, 1) if guarded else (0, 2))


@GUARD
def test_a_pause_while_the_engine_releases_the_next_batch_leaves_nothing_half_done(
    guarded, monkeypatch
):
    rollout, _ = at_a_gate()
    moves.approve_batch(rollout, actor=None, now=after(1))
    if not guarded:
        monkeypatch.setattr(steps, "unmoved", _anything)
    reached, go_on = first_waits(monkeypatch, engine, "plan", seconds=UNTIL_DONE_SECONDS)

    def pause() -> None:
        moves.pause(Deployment.objects.get(pk=rollout.pk), actor=None, now=after(2))

    at_once(lambda: engine.tick(rollout.pk, now=after(1)), in_between(reached, go_on, pause))
    rollout.refresh_from_db()
    assert rollout.stage == "paused"
    sent = Instance.objects.filter(state="pending").count()
    assert sent == (0 if guarded else 1)


@pytest.mark.parametrize(
    ("locks", "compares"),
    [
        pytest.param(True, True, id="as it is"),
        pytest.param(True, False, id="by the lock alone"),
        pytest.param(False, True, id="by the comparison alone"),
        pytest.param(False, False, id="no guard"),
    ],
)
def test_what_a_pause_takes_back_no_device_gets(locks, compares, monkeypatch):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    if not locks:
        without_locks(monkeypatch)
        monkeypatch.setattr(withdrawing, "raise_generation", lambda _: 0)
    if not compares:
        monkeypatch.setattr(publishing, "_mark_as_target", unguarded_mark)
    reached, go_on = first_waits(monkeypatch, publishing, "_wanted")
    pause = in_between(reached, go_on, lambda: moves.pause(rollout, actor=None, now=after(1)))
    at_once(lambda: plant.poll(device), pause)
    both = Revision.objects.exclude(target_version=None).exclude(withdrawn_at=None).exists()
    assert both == (on_postgresql() and not locks and not compares)


def installed_everywhere(number: int = 1) -> tuple[Deployment, list]:
    """Version 2 over version 1, installed everywhere and completed."""
    devices = [plant.a_device() for _ in range(number)]
    for version in ("1.0.0", "2.0.0"):
        done = plant.a_rollout(devices, plant.a_version(version))
        for device in devices:
            plant.install(device)
        plant.tick(done)
    return done, devices


def test_a_poll_during_a_rollback_gets_the_old_or_the_new_and_the_next_one_the_new(monkeypatch):
    done, (device,) = installed_everywhere()
    before = plant.poll(device).version
    moves.roll_back(done, actor=None, now=after(1))
    reached, go_on = first_waits(monkeypatch, restoring, "insert_from")
    outcomes = at_once(
        lambda: engine.tick(done.pk, now=after(1)),
        in_between(reached, go_on, lambda: plant.poll(device, after(1))),
    )
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert plant.poll(device, after(2)).version == before + 1
    wanted = Workload.objects.get().wanted
    assert (wanted.version.version, wanted.target_version) == ("1.0.0", before + 1)
    assert Manifest.objects.count() == Client.objects.get().manifest_version


@GUARD
def test_a_rollback_and_the_start_of_another_deployment_share_no_device(guarded, monkeypatch):
    done, (device,) = installed_everywhere()
    third = plant.a_ready_deployment([device], plant.a_version("3.0.0"))
    moves.roll_back(done, actor=None, now=after(1))
    if not guarded:
        monkeypatch.setattr(instances, "unheld", lambda ours, _: ours)
    reached, go_on = first_waits(monkeypatch, engine, "plan", seconds=UNTIL_DONE_SECONDS)
    outcomes = at_once(
        lambda: engine.tick(done.pk, now=after(1)),
        in_between(reached, go_on, lambda: moves.start(third, actor=None, now=after(1))),
    )
    broken = [one for one in outcomes if isinstance(one, IntegrityError)]
    assert bool(broken) == (not guarded)
    assert Instance.objects.filter(holds=True).count() == 1
    if guarded:
        assert plant.states_of(done) == {"superseded": 1}


def _observe_whatever_it_is(instance: Instance, state: str, *, now: datetime, **_: object) -> bool:
    return bool(Instance.objects.filter(pk=instance.pk).update(state=state, changed_at=now))


@GUARD
def test_a_report_about_the_undone_version_does_not_end_the_rollback(guarded, monkeypatch):
    """It is read before the rollback reaches the device, and written after."""
    done, (device,) = installed_everywhere()
    rollout = plant.a_rollout([device], plant.a_version("3.0.0"))
    plant.poll(device)
    plant.fetch(device)
    moves.roll_back(rollout, actor=None, now=after(1))
    if not guarded:
        monkeypatch.setattr(instances, "observe", _observe_whatever_it_is)
        # The lock alone would do as well: it keeps the rollback waiting.
        monkeypatch.setattr(restoring, "lock_workloads", lambda _: None)
    read, go_on = first_waits(monkeypatch, reports, "observation")
    at_once(
        lambda: plant.tell(device, "installed", now=after(1)),
        in_between(read, go_on, lambda: engine.tick(rollout.pk, now=after(1))),
    )
    plant.tick(rollout, after(2))
    assert (rollout.stage, plant.states_of(rollout)) == ("rolling_back", {"removing": 1})
    assert done.pk != rollout.pk


@GUARD
def test_a_retry_and_a_late_success_at_the_same_moment_do_not_wait_for_each_other(
    guarded, monkeypatch
):
    device = plant.a_device()
    rollout = plant.a_rollout([device], retry_failed=1)
    plant.poll(device)
    plant.fetch(device)
    plant.tell(device, "failed")
    if not guarded:
        monkeypatch.setattr(steps, "lock_workloads", lambda _: None)
    read, go_on = first_waits(monkeypatch, reports, "observation")
    outcomes = at_once(
        lambda: plant.tell(device, "installed", now=after(1)),
        in_between(read, go_on, lambda: engine.tick(rollout.pk, now=after(1))),
    )
    deadlocked = [one for one in outcomes if isinstance(one, OperationalError)]
    assert bool(deadlocked) == (on_postgresql() and not guarded)
    if guarded:
        plant.tick(rollout, after(2))
        workload, instance = Workload.objects.get(), Instance.objects.get()
        assert instance.state in {"installed", "pending"}
        assert workload.wanted == instance.revision


@GUARD
def test_a_worker_whose_claim_was_taken_over_changes_nothing_more(guarded, monkeypatch):
    device = plant.a_device()
    rollout = plant.a_ready_deployment([device])
    moves.start(rollout, actor=None, now=NOON)
    if not guarded:
        monkeypatch.setattr(steps, "unmoved", _anything)
    slow, go_on = first_waits(monkeypatch, engine, "plan", seconds=UNTIL_DONE_SECONDS)
    late = after(engine.CLAIM_SECONDS + 1)

    def take_over() -> None:
        engine.tick(rollout.pk, now=late)
        plant.install(device, late)
        engine.tick(rollout.pk, now=late)

    at_once(lambda: engine.tick(rollout.pk, now=NOON), in_between(slow, go_on, take_over))
    rollout.refresh_from_db()
    assert rollout.stage == "completed"
    assert rollout.updated_at == (late if guarded else NOON)


@GUARD
def test_a_retry_during_the_last_look_of_a_rollback_is_not_ended_by_it(guarded, monkeypatch):
    """It leads to the stage that the rollout is in: only the number of moves tells."""
    done, (device,) = installed_everywhere()
    moves.roll_back(done, actor=None, now=after(1))
    plant.tick(done, after(1))
    plant.poll(device, after(2))
    plant.tell(device, "failed", now=after(2))
    if not guarded:
        for module in (door, steps):
            monkeypatch.setattr(module, "unmoved", _anything)
    reached, go_on = first_waits(monkeypatch, engine, "plan", seconds=UNTIL_DONE_SECONDS)

    def retry() -> None:
        moves.retry_failed(Deployment.objects.get(pk=done.pk), actor=None, now=after(3))

    at_once(lambda: engine.tick(done.pk, now=after(3)), in_between(reached, go_on, retry))
    done.refresh_from_db()
    assert plant.states_of(done) == {"removing": 1}
    assert done.stage == ("rolling_back" if guarded else "rolled_back")


def test_two_workers_roll_back_once():
    done, devices = installed_everywhere(3)
    moves.roll_back(done, actor=None, now=after(1))
    ticks = [lambda: engine.tick(done.pk, now=after(1))] * 3
    outcomes = at_once(*ticks)
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert plant.states_of(done) == {"removing": 3}
    restored = Revision.objects.exclude(restores=None)
    assert restored.count() == len(devices)
    assert done.events.filter(kind="restored").count() == 1


def carry_on(devices: list, worker_count: int) -> list[tuple[str, str]]:
    """Two rollouts carried to their ends by so many workers; answers what their histories say."""
    strategies = (
        {"kind": "rolling", "batch_by": "size", "batch_size": 2},
        {"kind": "canary", "canary_by": "count", "canary_count": 1, "canary_gate": "automatic"},
    )
    started = []
    for index, strategy in enumerate(strategies):
        version = plant.a_version(app_id=f"app-{index}")
        started.append(plant.a_ready_deployment(devices, version, **strategy))
        moves.start(started[-1], actor=None, now=NOON)
    for second in range(6):
        now = after(second)
        workers = [lambda now=now: look_at_all(now)] * worker_count
        assert not [one for one in at_once(*workers) if isinstance(one, Exception)]
        for instance in Instance.objects.filter(state="pending").select_related("device"):
            plant.poll(instance.device, now)
            tell_installed(instance, now)
    events = Event.objects.filter(deployment__in=started).order_by("deployment", "pk")
    history = [(event.kind, event.sentence) for event in events]
    assert {one.stage for one in Deployment.objects.all()} == {"completed"}
    return history


def look_at_all(now: datetime) -> None:
    for pk in engine.due(now).values_list("pk", flat=True):
        engine.tick(pk, now=now)


def tell_installed(instance: Instance, now: datetime) -> None:
    client = Client.objects.get(pk=instance.device.client_id)
    report = reports.Report(Status.INSTALLED, client.manifest_version)
    reports.receive(client, str(instance.workload.uid), report, now=now)


def test_many_workers_and_beats_leave_the_same_history_as_one():
    devices = [plant.a_device() for _ in range(5)]
    several = carry_on(devices, 4)
    Event.objects.all().delete()
    Instance.objects.all().delete()
    Deployment.objects.update(stage="cancelled")
    Workload.objects.update(wanted=None, installed=None)
    Revision.objects.all().delete()
    Deployment.objects.all().delete()
    ApplicationVersion.objects.all().delete()
    assert several == carry_on(devices, 1)
