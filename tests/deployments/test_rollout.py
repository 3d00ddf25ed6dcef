"""An immediate rollout from start to its end, through the verbs."""

import json

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from deployments import engine, moves
from deployments.models import Deployment, Instance, Revision, Workload
from devices.models import Client
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


def test_every_device_gets_it_and_the_deployment_completes():
    devices = [plant.a_device() for _ in range(3)]
    deployment = plant.a_rollout(devices)
    assert plant.states_of(deployment) == {"pending": 3}
    for device in devices:
        plant.install(device)
    sentences = plant.tick(deployment)
    assert sentences == [
        "All devices ended: 3 installed.",
        "Completed: 3 of 3 installed.",
    ]
    assert (deployment.stage, deployment.status) == ("completed", "installed")
    assert deployment.summary == {"total": 3, "counts": {"installed": 3}}
    assert not Instance.objects.filter(holds=True).exists()


def test_one_failure_too_many_completes_as_failed_with_the_numbers():
    devices = [plant.a_device() for _ in range(3)]
    deployment = plant.a_rollout(devices, max_failures=1)
    for device in devices[:2]:
        plant.poll(device)
        plant.tell(device, "failed", error="disk full")
    plant.install(devices[2])
    assert plant.tick(deployment)[-1] == "Completed: 2 of 3 failed, 1 allowed."
    assert (deployment.stage, deployment.status) == ("completed", "failed")


def test_failures_within_what_is_allowed_complete_as_installed():
    devices = [plant.a_device() for _ in range(2)]
    deployment = plant.a_rollout(devices, max_failures=1)
    plant.poll(devices[0])
    plant.tell(devices[0], "failed", error="disk full")
    plant.install(devices[1])
    plant.tick(deployment)
    assert deployment.status == "installed"
    assert Instance.objects.get(device=devices[0]).last_error == "disk full"


def test_a_second_look_without_news_writes_nothing():
    deployment = plant.a_rollout([plant.a_device()])
    before = list(Instance.objects.values()), deployment.events.count(), deployment.updated_at
    assert engine.tick(deployment.pk, now=after(1)) == []
    deployment.refresh_from_db()
    after_it = list(Instance.objects.values()), deployment.events.count(), deployment.updated_at
    assert before == after_it


def test_progress_is_what_was_observed():
    device = plant.a_device()
    plant.a_rollout([device])
    words = []
    for step in (
        lambda: None,
        lambda: plant.poll(device),
        lambda: plant.fetch(device),
        lambda: plant.tell(device, "pending"),
        lambda: plant.tell(device, "installing", parts=("installing", "pending")),
        lambda: plant.tell(device, "installing", parts=("installed", "installing")),
        lambda: plant.tell(device, "installed"),
    ):
        step()
        row = Instance.objects.get(device=device)
        words.append((row.state, row.progress, row.progress_words))
    assert words == [
        ("pending", 0, "Waiting for the device to ask"),
        ("pending", 15, "Knows about it (manifest 1)"),
        ("pending", 35, "Fetched the new version"),
        ("pending", 35, "Accepted by the device"),
        ("installing", 50, "Installing: 1 of 2 components begun"),
        ("installing", 80, "Installing: 1 of 2 components installed"),
        ("installed", 100, "Installed"),
    ]


def test_an_upgrade_keeps_the_deployment_id_and_raises_the_manifest_version():
    device = plant.a_device()
    first = plant.a_rollout([device], plant.a_version("1.0.0"))
    plant.install(device)
    plant.tick(first)
    uid, before = Workload.objects.get().uid, plant.poll(device)
    second = plant.a_rollout([device], plant.a_version("2.0.0"))
    now = plant.poll(device)
    assert now.version == before.version + 1
    assert Workload.objects.get().uid == uid
    plant.install(device)
    plant.tick(second)
    assert second.status == "installed"
    assert Instance.objects.get(deployment=second).restore_to.deployment == first


def test_a_device_that_runs_it_already_is_satisfied_at_once():
    device, version = plant.a_device(), plant.a_version()
    first = plant.a_rollout([device], version)
    plant.install(device)
    plant.tick(first)
    digest = plant.poll(device).digest
    second = plant.a_rollout([device], version)
    assert (second.stage, second.status) == ("completed", "installed")
    assert plant.states_of(second) == {"skipped": 1}
    assert plant.poll(device).digest == digest


def test_the_same_content_after_a_failure_is_published_under_a_new_digest():
    device, version = plant.a_device(), plant.a_version()
    first = plant.a_rollout([device], version)
    plant.poll(device)
    plant.tell(device, "failed", error="no space")
    plant.tick(first)
    second = plant.a_rollout([device], version)
    plant.poll(device)
    digests = Revision.objects.order_by("pk").values_list("digest", flat=True)
    assert len(set(digests)) == 2
    assert plant.states_of(second) == {"pending": 1}


def test_a_device_that_never_comes_is_given_up_at_its_limit():
    deployment = plant.a_rollout([plant.a_device()], offline_wait_seconds=60)
    assert deployment.due_at == after(60)
    assert engine.tick(deployment.pk, now=after(59)) == []
    sentences = plant.tick(deployment, after(60))
    assert sentences[0] == "All devices: 1 device did not come for it within 1 minute."
    row = Instance.objects.get()
    assert (row.state, row.failure) == ("failed", "unreachable")
    assert deployment.status == "failed"


def test_an_install_that_hangs_times_out_counted_from_its_first_fetch():
    device = plant.a_device()
    deployment = plant.a_rollout([device], install_timeout_seconds=60)
    plant.poll(device, after(100))
    plant.fetch(device, after(100))
    plant.tell(device, "installing", now=after(101))
    plant.tick(deployment, after(101))
    assert deployment.due_at == after(160)
    plant.tick(deployment, after(160))
    assert Instance.objects.get().failure == "timed_out"


def test_a_device_that_reports_success_after_its_time_counts_while_the_deployment_runs():
    slow, other = plant.a_device(), plant.a_device()
    deployment = plant.a_rollout([slow, other], install_timeout_seconds=60, max_failures=0)
    plant.poll(slow)
    plant.fetch(slow)
    plant.tick(deployment, after(60))
    assert plant.states_of(deployment) == {"failed": 1, "pending": 1}
    plant.tell(slow, "installed", now=after(70))
    plant.install(other, after(71))
    plant.tick(deployment, after(71))
    assert deployment.status == "installed"


def test_nothing_but_the_content_of_its_own_devices_reaches_a_client():
    mine, other = plant.a_device(), plant.a_device()
    plant.a_rollout([mine])
    assert json.loads(plant.poll(other).body)["bundle"] is None
    assert len(json.loads(plant.poll(mine).body)["deployments"]) == 1


def test_a_gateway_gets_the_documents_of_all_its_devices_in_one_manifest():
    gateway = plant.a_client("gateway")
    children = [plant.a_device(gateway, f"gateway/child-{n}") for n in range(3)]
    deployment = plant.a_rollout(children)
    assert len(json.loads(plant.poll(children[0]).body)["deployments"]) == 3
    assert Client.objects.get(pk=gateway.pk).manifest_version == 1
    for child in children:
        plant.install(child)
    plant.tick(deployment)
    assert deployment.summary["counts"] == {"installed": 3}


def test_a_deployment_whose_engine_stumbles_says_so_and_the_others_go_on():
    first, second = plant.a_device(), plant.a_device()
    broken = plant.a_ready_deployment([first])
    sound = plant.a_ready_deployment([second], plant.a_version(app_id="pump"))
    for deployment in (broken, sound):
        moves.start(deployment, actor=None, now=plant.NOON)
    broken.strategy = {**broken.strategy, "max_failures": "many"}
    broken.save(update_fields=["strategy"])
    with pytest.raises(ValueError, match="whole number"):
        engine.tick(broken.pk, now=after(1))
    engine.tick(sound.pk, now=after(1))
    broken.refresh_from_db()
    assert broken.stage == "rolling"
    assert "stumbled" in broken.trouble
    assert broken.pk not in engine.due(after(2)).values_list("pk", flat=True)
    assert broken.pk in engine.due(after(4)).values_list("pk", flat=True)
    assert plant.states_of(sound) == {"pending": 1}


class KilledError(BaseException):
    """The process ends here; nothing in the product may catch it."""


@pytest.mark.parametrize("victim", ["snapshot", "plan", "carry_out", "_note"])
def test_an_engine_killed_in_the_middle_of_a_look_leaves_it_to_the_next(victim, monkeypatch):
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.install(device)

    def die(*_arguments):
        raise KilledError

    with monkeypatch.context() as dying:
        dying.setattr(engine, victim, die)
        with pytest.raises(KilledError):
            engine.tick(deployment.pk, now=after(1))
    # What a dead process cannot do any more: give its claim back.
    Deployment.objects.update(claimed_until=after(31))
    assert not engine.due(after(30)).exists()
    engine.tick(deployment.pk, now=after(31))
    deployment.refresh_from_db()
    assert deployment.stage == "completed"


def test_a_release_can_be_watched_by_a_debugger(django_assert_max_num_queries):
    deployment = plant.a_ready_deployment([plant.a_device() for _ in range(3)])
    moves.start(deployment, actor=None, now=plant.NOON)
    with django_assert_max_num_queries(35):
        engine.tick(deployment.pk, now=plant.NOON)
    assert plant.states_of(deployment) == {"pending": 3}


@pytest.mark.parametrize("broken", [OperationalError("locked"), ValueError("defect")])
def test_news_is_not_lost_when_a_look_fails(broken, monkeypatch):
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.install(device)

    def fail(*_arguments):
        raise broken

    with monkeypatch.context() as failing:
        failing.setattr(engine, "carry_out", fail)
        with pytest.raises(type(broken)):
            engine.tick(deployment.pk, now=after(1))
    deployment.refresh_from_db()
    assert (deployment.trouble == "") == isinstance(broken, OperationalError)
    assert plant.tick(deployment, after(4))[-1] == "Completed: 1 of 1 installed."


def test_the_number_of_queries_of_a_look_does_not_grow_with_the_fleet(
    django_assert_max_num_queries,
):
    few, many = (
        plant.a_ready_deployment(
            [plant.a_device() for _ in range(size)], plant.a_version(app_id=name)
        )
        for size, name in ((2, "few"), (30, "many"))
    )
    for deployment in (few, many):
        moves.start(deployment, actor=None, now=plant.NOON)
    with CaptureQueriesContext(connection) as small:
        engine.tick(few.pk, now=plant.NOON)
    with django_assert_max_num_queries(len(small)):
        engine.tick(many.pk, now=plant.NOON)


def test_a_late_word_of_the_way_does_not_take_the_end_back():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    plant.tick(rollout)
    plant.tell(device, "installing", now=after(1))
    workload = Workload.objects.get()
    assert (workload.state, workload.reported_at) == ("installed", after(1))
    again = plant.a_rollout([device], rollout.version)
    assert plant.states_of(again) == {"skipped": 1}
    plant.tell(device, "failed", now=after(2))
    plant.tell(device, "installing", now=after(3))
    workload.refresh_from_db()
    assert workload.state == "installing"
