"""Cancelling: what was not sent is taken back, what was sent may finish."""

import pytest

from deployments import engine, moves
from deployments.models import Deployment, Instance, Revision, Workload
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


def test_before_the_start_no_device_is_touched():
    deployment = plant.a_ready_deployment([plant.a_device()])
    moves.cancel(deployment, actor=None, now=after(1), reason="wrong line")
    assert (deployment.stage, deployment.status) == ("cancelled", "removed")
    assert plant.states_of(deployment) == {"cancelled": 1}
    deployment.refresh_from_db()
    assert deployment.summary == {"total": 1, "counts": {"cancelled": 1}}
    assert deployment.events.first().reason == "wrong line"
    assert not Workload.objects.exists()


def test_what_no_device_fetched_is_taken_back_and_the_deployment_ends():
    devices = [plant.a_device() for _ in range(2)]
    deployment = plant.a_rollout(devices)
    moves.cancel(deployment, actor=None, now=after(1))
    assert plant.tick(deployment, after(1)) == [
        "All devices ended: 2 cancelled.",
        "Cancelled: 0 of 2 had it installed and keep it.",
    ]
    assert (deployment.stage, deployment.status) == ("cancelled", "removed")
    assert Revision.objects.filter(withdrawn_at=None).count() == 0
    assert b'"bundle":null' in plant.poll(devices[0]).body.replace(b" ", b"")


def test_a_device_that_has_it_already_may_finish_and_counts():
    sent, unsent = plant.a_device(), plant.a_device()
    deployment = plant.a_rollout([sent, unsent])
    plant.poll(sent)
    moves.cancel(deployment, actor=None, now=after(1))
    assert plant.tick(deployment, after(1)) == []
    assert deployment.stage == "cancelling"
    assert plant.states_of(deployment) == {"pending": 1, "cancelled": 1}
    plant.install(sent, after(2))
    plant.tick(deployment, after(2))
    assert (deployment.stage, deployment.status) == ("cancelled", "installed")
    assert plant.states_of(deployment) == {"installed": 1, "cancelled": 1}


def test_a_device_that_hangs_after_a_cancel_does_not_keep_it_open_for_ever():
    device = plant.a_device()
    deployment = plant.a_rollout([device], install_timeout_seconds=60)
    plant.poll(device)
    plant.fetch(device)
    moves.cancel(deployment, actor=None, now=after(1))
    plant.tick(deployment, after(1))
    assert deployment.due_at == after(60)
    plant.tick(deployment, after(60))
    assert deployment.stage == "cancelled"


def test_taking_back_puts_back_what_was_wanted_before():
    device = plant.a_device()
    first = plant.a_rollout([device], plant.a_version("1.0.0"))
    plant.install(device)
    plant.tick(first)
    before = plant.poll(device)
    second = plant.a_rollout([device], plant.a_version("2.0.0"))
    moves.cancel(second, actor=None, now=after(1))
    assert plant.poll(device) == before
    assert Workload.objects.get().wanted.deployment == first


@pytest.mark.parametrize("stage", ["draft", "cancelling", "completed", "cancelled"])
def test_elsewhere_it_is_refused_with_a_sentence_and_changes_nothing(stage):
    deployment = plant.a_draft([plant.a_device()])
    Deployment.objects.filter(pk=deployment.pk).update(stage=stage)
    deployment.refresh_from_db()
    with pytest.raises(moves.MoveRefusedError, match=r"is possible while it is .* or roll"):
        moves.cancel(deployment, actor=None, now=after(1))
    assert deployment.events.count() == 0


def test_twice_from_the_same_page_is_one_cancel():
    deployment = plant.a_rollout([plant.a_device()])
    stale = Deployment.objects.get(pk=deployment.pk)
    moves.cancel(deployment, actor=None, now=after(1))
    with pytest.raises(moves.MoveRefusedError, match="changed while you were looking"):
        moves.cancel(stale, actor=None, now=after(1))
    assert deployment.events.filter(to_stage="cancelling").count() == 1


def test_a_cancel_and_a_release_at_the_same_moment_leave_nothing_half_done():
    deployment = plant.a_ready_deployment([plant.a_device()])
    moves.start(deployment, actor=None, now=plant.NOON)
    moves.cancel(deployment, actor=None, now=after(1))
    engine.tick(deployment.pk, now=after(1))
    assert plant.states_of(deployment) == {"cancelled": 1}
    assert not Revision.objects.exists()
    assert not Instance.objects.filter(holds=True).exists()
