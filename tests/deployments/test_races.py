"""What happens at the same moment: one wins, the other is told, and the rows agree.

Each race has a twin that takes the guard away and shows that the race exists. SQLite lets one
writer in at a time, so most twins show it on PostgreSQL only and check there that nothing breaks.
"""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import connection
from django.db.models import QuerySet

from deployments import engine, events, moves, publishing, reports
from deployments.models import Deployment, Instance, Manifest, Revision, Workload
from deployments.moves import steps, verbs
from deployments.planner import Snapshot, next_look
from devices.models import Client, Device
from tests.deployments import plant
from tests.deployments.plant import NOON, after
from tests.deployments.racing import (
    UNTIL_DONE_SECONDS,
    at_once,
    both_reach,
    first_waits,
    in_between,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
