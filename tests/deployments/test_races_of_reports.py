"""Polls and reports at the same moment as something else.

As in test_races: a twin takes only the guard away and shows that the race exists. SQLite lets one
writer in at a time, so most twins show it on PostgreSQL only.
"""

import pytest
from django.db import IntegrityError

from deployments import engine, moves, publishing, reports, withdrawing
from deployments.models import Instance, Manifest, Revision, StatusReport, Workload
from deployments.moves import instances
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
