"""What happens at the same moment: one wins, the other is told, and the rows agree.

Each race has a twin that takes the guard away and shows that the race exists. SQLite lets one
writer in at a time, so most twins show it on PostgreSQL only and check there that nothing breaks.
"""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from deployments import engine, events, moves, publishing, reports, withdrawing
from deployments.models import (
    Deployment,
    Instance,
    Manifest,
    Revision,
    StatusReport,
    Workload,
)
from deployments.moves import instances, steps, verbs
from deployments.planner import Snapshot, next_look
from deployments.states import Status
from devices.models import Client, Device
from tests.deployments import plant
from tests.deployments.plant import NOON, after
from tests.deployments.racing import (
    PATIENCE_SECONDS,
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


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> bool:
    """Whether the guard is there, as the test's parameter says; without it, no row locks."""
    if not request.param:
        without_locks(monkeypatch)
    return bool(request.param)


GUARD = pytest.mark.parametrize("guarded", [True, False], indirect=True, ids=["guard", "no guard"])


@GUARD
def test_two_first_polls_at_once_publish_one_version(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    both_reach(monkeypatch, publishing, "_wanted")
    outcomes = at_once(lambda: plant.poll(device), lambda: plant.poll(device))
    failed = [one for one in outcomes if isinstance(one, IntegrityError)]
    assert len(failed) == (1 if on_postgresql() and not guarded else 0)
    if not failed:
        assert outcomes[0] == outcomes[1]
    assert [row.version for row in Manifest.objects.all()] == [1]


@GUARD
def test_a_slow_poll_never_takes_the_counter_back(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    plant.poll(device)
    taken_back = plant.a_rollout([device])
    moves.cancel(taken_back, actor=None, now=NOON)
    plant.tick(taken_back)
    ready = plant.a_ready_deployment([device], plant.a_version("2.0.0"))
    moves.start(ready, actor=None, now=NOON)
    patience = PATIENCE_SECONDS if guarded else UNTIL_DONE_SECONDS
    reached, go_on = first_waits(monkeypatch, publishing, "_wanted", seconds=patience)
    at_once(
        lambda: plant.poll(device),
        in_between(
            reached, go_on, lambda: engine.tick(ready.pk, now=NOON), lambda: plant.poll(device)
        ),
    )
    client = Client.objects.get(pk=device.client_id)
    newest = max(Manifest.objects.values_list("version", flat=True))
    went_back = client.manifest_version < newest
    assert went_back == (on_postgresql() and not guarded)
    if guarded:
        assert plant.poll(device).version == 2
        assert Manifest.objects.get(version=2).entries


@pytest.mark.parametrize(
    ("locks", "compares"),
    [
        pytest.param(True, True, id="as it is"),
        pytest.param(True, False, id="by the lock alone"),
        pytest.param(False, True, id="by the comparison alone"),
        pytest.param(False, False, id="no guard"),
    ],
)
def test_content_is_published_or_taken_back_but_never_both(
    locks: bool, compares: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    if not locks:
        without_locks(monkeypatch)
        monkeypatch.setattr(withdrawing, "raise_generation", lambda _: 0)
    if not compares:
        monkeypatch.setattr(publishing, "_mark_as_target", unguarded_mark)
    reached, go_on = first_waits(monkeypatch, publishing, "_wanted")
    cancel = in_between(reached, go_on, lambda: moves.cancel(deployment, actor=None, now=NOON))
    at_once(lambda: plant.poll(device), cancel)
    published = Revision.objects.exclude(target_version=None)
    both = published.exclude(withdrawn_at=None).exists()
    assert both == (on_postgresql() and not locks and not compares)
    if not both:
        state = Instance.objects.get().state
        assert state == ("pending" if published.exists() else "cancelled")
        entries = Manifest.objects.latest("version").entries
        assert bool(entries) == (state == "pending")


@GUARD
def test_the_last_of_two_reports_at_once_is_the_one_that_stands(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    plant.a_rollout([device])
    plant.poll(device)
    reached, go_on = first_waits(monkeypatch, StatusReport, "save")
    at_once(
        lambda: plant.tell(device, "installed"),
        in_between(reached, go_on, lambda: plant.tell(device, "failed")),
    )
    last = StatusReport.objects.latest("pk").state
    agree = (Workload.objects.get().state, Instance.objects.get().state) == (last, last)
    assert agree == (guarded or not on_postgresql())


@GUARD
def test_the_same_report_twice_at_once_counts_once(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    plant.a_rollout([device])
    plant.poll(device)
    both_reach(monkeypatch, reports, "_repeats_the_last")
    assert at_once(*[lambda: plant.tell(device, "installed")] * 2) == [None, None]
    expected = 2 if on_postgresql() and not guarded else 1
    assert StatusReport.objects.count() == expected


@GUARD
def test_a_device_recovers_when_both_its_applications_do_at_once(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    for app_id in ("mixer", "pump"):
        plant.a_rollout([device], plant.a_version(app_id=app_id))
    plant.poll(device)
    client = Client.objects.get(pk=device.client_id)

    def say(app_id: str, state: Status) -> None:
        uid = str(Workload.objects.get(application__app_id=app_id).uid)
        reports.receive(client, uid, reports.Report(state, 1), now=NOON)

    for app_id in ("mixer", "pump"):
        say(app_id, Status.FAILED)
    assert Device.objects.get().failing
    both_reach(monkeypatch, reports, "_note_failing")
    at_once(lambda: say("mixer", Status.INSTALLED), lambda: say("pump", Status.INSTALLED))
    assert Device.objects.get().failing == (on_postgresql() and not guarded)


def _unguarded_move(deployment: Deployment, to: str, sentence: str, **more: object) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(stage=to)
    events.record(deployment, "moved", sentence, now=NOON)


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])
def test_a_deployment_started_twice_at_once_starts_once(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = plant.a_ready_deployment([plant.a_device()])
    both_reach(monkeypatch, verbs, "_refuse_outdated")
    if not guarded:
        monkeypatch.setattr(verbs, "move", _unguarded_move)

    def start() -> None:
        moves.start(Deployment.objects.get(pk=ready.pk), actor=None, now=NOON)

    outcomes = at_once(start, start)
    refusals = [str(one) for one in outcomes if one is not None]
    moved = ready.events.filter(sentence__startswith="Started").count()
    if guarded:
        assert refusals == ["Rollout changed while you were looking at it."]
        assert moved == 1
    else:
        assert (refusals, moved) == ([], 2)


@pytest.fixture
def no_index() -> Iterator[None]:
    """Without the index that allows one holder per device and application."""
    (index,) = [one for one in Instance._meta.constraints if one.name.startswith("one_holder")]
    with connection.schema_editor() as editor:
        editor.remove_constraint(Instance, index)
    yield
    Instance.objects.update(holds=False)
    with connection.schema_editor() as editor:
        editor.add_constraint(Instance, index)


def _start_two(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    devices = [plant.a_device() for _ in range(3)]
    version = plant.a_version()
    first = plant.a_ready_deployment(devices[:2], version)
    second = plant.a_ready_deployment(devices[1:], version)
    both_reach(monkeypatch, verbs, "_refuse_outdated")
    return at_once(
        lambda: moves.start(first, actor=None, now=NOON),
        lambda: moves.start(second, actor=None, now=NOON),
    )


def test_of_two_deployments_for_one_device_started_at_once_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes = _start_two(monkeypatch)
    (refusal,) = [one for one in outcomes if one is not None]
    assert isinstance(refusal, moves.MoveRefusedError)
    assert str(refusal) == (
        "Rollout is changing Mixer on "
        f"{Device.objects.order_by('pk')[1].path}: wait until it has ended, or leave them out."
    )
    assert sorted(Deployment.objects.values_list("stage", flat=True)) == ["ready", "rolling"]
    assert Instance.objects.filter(holds=True).count() == 2


def test_without_the_index_both_would_hold_the_device(
    no_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _start_two(monkeypatch) == [None, None]
    assert Instance.objects.filter(holds=True).count() == 4


def test_a_cancel_and_a_success_at_the_same_moment_agree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported, silent = plant.a_device(), plant.a_device()
    deployment = plant.a_rollout([reported, silent])
    plant.poll(reported)
    both_reach(monkeypatch, reports, "_find")
    both_reach(monkeypatch, verbs, "target_of")
    outcomes = at_once(
        lambda: moves.cancel(deployment, actor=None, now=NOON),
        lambda: plant.tell(reported, "installed"),
    )
    assert outcomes == [None, None]
    plant.tick(deployment, after(1))
    assert plant.states_of(deployment) == {"installed": 1, "cancelled": 1}
    assert deployment.summary == {"total": 2, "counts": {"installed": 1, "cancelled": 1}}
    assert (deployment.stage, deployment.status) == ("cancelled", "installed")


def _unguarded_observe(instance: Instance, state: str, **seen: object) -> bool:
    return bool(Instance.objects.filter(pk=instance.pk).update(state=state, ended_at=None))


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])
def test_a_limit_that_ran_out_is_not_undone_by_a_word_about_the_way(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = plant.a_device()
    deployment = plant.a_rollout([device], offline_wait_seconds=60)
    plant.poll(device)
    if not guarded:
        monkeypatch.setattr(instances, "observe", _unguarded_observe)
    reached, go_on = first_waits(monkeypatch, reports, "observation")
    at_once(
        lambda: plant.tell(device, "installing"),
        in_between(reached, go_on, lambda: engine.tick(deployment.pk, now=after(61))),
    )
    row = Instance.objects.get()
    undone = (row.state, row.failure) == ("installing", "unreachable")
    assert undone == (on_postgresql() and not guarded)
    assert undone or (row.state, row.failure) == ("failed", "unreachable")


def test_two_ticks_at_once_do_what_one_does() -> None:
    devices = [plant.a_device() for _ in range(3)]
    deployment = plant.a_ready_deployment(devices)
    moves.start(deployment, actor=None, now=NOON)
    outcomes = at_once(*[lambda: engine.tick(deployment.pk, now=NOON)] * 4)
    assert sum(bool(steps) for steps in outcomes) == 1
    assert Revision.objects.count() == Workload.objects.count() == 3
    assert deployment.events.filter(kind="released").count() == 1


def test_releases_that_share_clients_wait_for_each_other() -> None:
    """Gateways with many children, released by two deployments while their clients poll."""
    gateways = [plant.a_client() for _ in range(6)]
    rollouts = []
    for index, app_id in enumerate(("mixer", "pump")):
        order = gateways if index else gateways[::-1]
        devices = [plant.a_device(one, f"{one.name}/{app_id}") for one in order]
        rollouts.append(plant.a_ready_deployment(devices, plant.a_version(app_id=app_id)))
        moves.start(rollouts[-1], actor=None, now=NOON)

    def poll_all() -> None:
        for gateway in gateways * 3:
            publishing.manifest_for(Client.objects.get(pk=gateway.pk), now=NOON)

    ticks = [lambda pk=one.pk: engine.tick(pk, now=NOON) for one in rollouts]
    outcomes = at_once(*ticks, poll_all, poll_all)
    assert not [one for one in outcomes if isinstance(one, Exception)]
    for gateway in gateways:
        client = Client.objects.get(pk=gateway.pk)
        publishing.manifest_for(client, now=NOON)
        assert len(Manifest.objects.filter(client=client).latest("version").entries) == 2


def _anything(deployment: Deployment, *, claimed: bool = False) -> QuerySet[Deployment]:
    return Deployment.objects.filter(pk=deployment.pk)


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])
def test_what_was_cancelled_while_the_engine_planned_is_not_released(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        monkeypatch.setattr(steps, "unmoved", _anything)
    deployment = plant.a_ready_deployment([plant.a_device()])
    moves.start(deployment, actor=None, now=NOON)
    reached, go_on = first_waits(monkeypatch, engine, "plan", seconds=UNTIL_DONE_SECONDS)
    outcomes = at_once(
        lambda: engine.tick(deployment.pk, now=NOON),
        in_between(reached, go_on, lambda: moves.cancel(deployment, actor=None, now=NOON)),
    )
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert plant.states_of(deployment) == {"cancelled": 1}
    told = deployment.events.filter(kind="released").exists()
    assert told != guarded


def _unguarded_note(deployment: Deployment, seen: Snapshot, now: datetime) -> None:
    Deployment.objects.filter(pk=deployment.pk).update(due_at=next_look(seen))


@pytest.mark.parametrize("guarded", [True, False], ids=["guard", "no guard"])
def test_a_cancel_during_a_look_is_looked_at_at_once(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        monkeypatch.setattr(engine, "_note", _unguarded_note)
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.poll(device)
    plant.fetch(device)
    reached, go_on = first_waits(monkeypatch, engine, "plan", seconds=UNTIL_DONE_SECONDS)
    at_once(
        lambda: engine.tick(deployment.pk, now=after(1)),
        in_between(reached, go_on, lambda: moves.cancel(deployment, actor=None, now=after(1))),
    )
    deployment.refresh_from_db()
    assert (deployment.due_at == after(1)) == guarded
