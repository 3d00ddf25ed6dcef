"""The engine is woken by the beat and by news; waking it too often or not at all does no harm."""

from datetime import timedelta

import pytest
from django.utils import timezone

from config.celery import app
from deployments import events, moves, tasks
from deployments.models import Deployment, Instance
from devices import onboarding, registry
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """What was sent to the broker."""
    found = []
    monkeypatch.setattr(
        app, "send_task", lambda name, args=(), **_options: found.append((name, *args))
    )
    events._nudged.clear()
    return found


def tick_one(deployment):
    return ("deployments.tasks.tick_one", deployment.pk)


def test_the_beat_queues_those_that_are_due_and_no_others(monkeypatch):
    due, later, finished = (
        plant.a_ready_deployment([plant.a_device()], plant.a_version(app_id=name))
        for name in ("due", "later", "finished")
    )
    now = timezone.now()
    Deployment.objects.update(stage="rolling", due_at=now - timedelta(seconds=1))
    Deployment.objects.filter(pk=later.pk).update(due_at=now + timedelta(hours=1))
    Deployment.objects.filter(pk=finished.pk).update(stage="completed")
    queued = []
    monkeypatch.setattr(tasks.tick_one, "delay", queued.append)
    tasks.tick_all()
    assert queued == [due.pk]


def test_a_report_that_is_not_judged_makes_a_deployment_due(monkeypatch):
    deployment = plant.a_rollout([plant.a_device()])
    Deployment.objects.update(due_at=timezone.now() + timedelta(hours=1))
    Instance.objects.update(unjudged=True)
    queued = []
    monkeypatch.setattr(tasks.tick_one, "delay", queued.append)
    tasks.tick_all()
    assert queued == [deployment.pk]


def test_the_task_looks_at_its_deployment():
    deployment = plant.a_ready_deployment([plant.a_device()])
    moves.start(deployment, actor=None, now=timezone.now())
    tasks.tick_one(deployment.pk)
    assert plant.states_of(deployment) == {"pending": 1}


def test_a_start_wakes_the_engine_once_it_is_committed(sent, django_capture_on_commit_callbacks):
    deployment = plant.a_ready_deployment([plant.a_device()])
    with django_capture_on_commit_callbacks(execute=True):
        moves.start(deployment, actor=None, now=plant.NOON)
        assert sent == []
    assert sent == [tick_one(deployment)]


def test_a_report_wakes_the_engine_and_a_repeated_one_does_not(
    sent, django_capture_on_commit_callbacks
):
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.poll(device)
    for _ in range(2):
        events._nudged.clear()
        with django_capture_on_commit_callbacks(execute=True):
            plant.tell(device, "installed")
    assert sent == [tick_one(deployment)]


def test_many_reports_at_once_wake_it_at_once_and_when_they_are_over(
    sent, django_capture_on_commit_callbacks
):
    devices = [plant.a_device() for _ in range(5)]
    deployment = plant.a_rollout(devices)
    for device in devices:
        plant.poll(device)
    with django_capture_on_commit_callbacks(execute=True):
        for device in devices:
            plant.tell(device, "installed")
    assert sent == [tick_one(deployment)] * 2


def test_a_device_that_leaves_is_not_waited_for(sent, django_capture_on_commit_callbacks):
    leaving, staying = plant.a_device(), plant.a_device()
    deployment = plant.a_rollout([leaving, staying], max_failures=1)
    with django_capture_on_commit_callbacks(execute=True):
        registry.remove(leaving.client, leaving.path, after(1))
    assert sent == [tick_one(deployment)]
    row = Instance.objects.get(device=leaving)
    assert (row.state, row.failure) == ("failed", "unreachable")
    assert row.last_error == "The device was taken off the fleet by its client."
    plant.install(staying, after(2))
    plant.tick(deployment, after(2))
    assert deployment.stage == "completed"


def test_devices_of_a_retired_client_are_not_waited_for():
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    onboarding.retire(device.client, actor=None, now=after(1))
    assert plant.tick(deployment, after(1))[-1] == "Completed: 1 of 1 failed, 0 allowed."
    assert "was retired" in Instance.objects.get().last_error


def test_what_was_finished_before_a_device_left_stays_as_it_was():
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.install(device)
    plant.tick(deployment)
    registry.remove(device.client, device.path, after(5))
    assert plant.states_of(deployment) == {"installed": 1}
