"""What wakes the engine, whose look it is, and that nobody's change is overlooked or lost."""

import pytest
from django.db import transaction

from deployments import engine, moves
from deployments.models import Deployment
from deployments.planner import EndBatch, Finish
from tests.deployments import plant
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db

LATE = after(engine.CLAIM_SECONDS + 1)


def failing(device, **rules) -> Deployment:
    """A rollout whose only device has just failed."""
    rollout = plant.a_rollout([device], **rules)
    plant.poll(device)
    plant.fetch(device)
    plant.tell(device, "failed")
    return rollout


def once(monkeypatch, module, name: str, besides) -> None:
    """`besides` happens right after the first call of that function, before it is answered."""
    real = getattr(module, name)

    def first(*args, **kwargs):
        monkeypatch.setattr(module, name, real)
        answer = real(*args, **kwargs)
        besides()
        return answer

    monkeypatch.setattr(module, name, first)


def test_a_report_wakes_the_engine_although_no_limit_runs_out():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.poll(device)
    plant.fetch(device)
    plant.tick(rollout)
    assert rollout.due_at > LATE
    assert not engine.due(after(1)).exists()
    plant.tell(device, "installed", now=after(1))
    assert engine.due(after(1)).exists()
    assert plant.tick(rollout, after(1))[-1] == "Completed: 1 of 1 installed."


def test_a_worker_whose_claim_ran_out_does_not_end_what_began_again(monkeypatch):
    device = plant.a_device()
    rollout = plant.a_rollout([device], retry_drifted=1)
    plant.install(device)

    def another_worker() -> None:
        plant.tell(device, "failed", now=LATE)
        assert plant.tick(rollout, LATE) == ["All devices: trying again on 1 device."]

    real = engine.plan

    def plan(*args):
        steps = real(*args)
        if isinstance(steps[0], Finish):
            monkeypatch.setattr(engine, "plan", real)
            another_worker()
        return steps

    monkeypatch.setattr(engine, "plan", plan)
    engine.tick(rollout.pk, now=NOON)
    rollout.refresh_from_db()
    assert (rollout.stage, plant.states_of(rollout)) == ("rolling", {"pending": 1})


def test_a_worker_that_sees_another_claim_leaves_the_rest_to_it(monkeypatch):
    rollout = failing(plant.a_device())

    def take_over() -> None:
        Deployment.objects.filter(pk=rollout.pk).update(claimed_until=LATE)

    once(monkeypatch, engine, "carry_out", take_over)
    steps = engine.tick(rollout.pk, now=NOON)
    assert [type(step) for step in steps] == [EndBatch]
    rollout.refresh_from_db()
    assert (rollout.stage, rollout.claimed_until) == ("rolling", LATE)


def test_a_pause_and_a_resume_during_a_look_are_not_forgotten(monkeypatch):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    assert plant.states_of(rollout) == {"pending": 1}
    Deployment.objects.filter(pk=rollout.pk).update(due_at=after(1), summary={})

    def pause_and_resume() -> None:
        fresh = Deployment.objects.get(pk=rollout.pk)
        moves.pause(fresh, actor=None, now=after(2))
        moves.resume(fresh, actor=None, now=after(3))

    once(monkeypatch, engine, "plan", pause_and_resume)
    engine.tick(rollout.pk, now=after(1))
    assert plant.states_of(rollout) == {"queued": 1}
    assert plant.tick(rollout, after(3)) == ["All devices: released to 1 device."]


def test_who_was_turned_away_by_a_look_is_announced_after_it(monkeypatch):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    Deployment.objects.filter(pk=rollout.pk).update(due_at=after(1))
    nudged = []
    monkeypatch.setattr(engine.events, "nudge", nudged.append)
    engine.tick(rollout.pk, now=after(1))
    assert nudged == []
    Deployment.objects.filter(pk=rollout.pk).update(due_at=after(2))

    def pause() -> None:
        with transaction.atomic():
            moves.pause(Deployment.objects.get(pk=rollout.pk), actor=None, now=after(2))
        assert engine.tick(rollout.pk, now=after(2)) == []
        nudged.clear()

    once(monkeypatch, engine, "plan", pause)
    engine.tick(rollout.pk, now=after(2))
    assert nudged == [rollout.pk]


def test_a_failure_that_comes_before_the_end_is_judged(monkeypatch):
    devices = [plant.a_device() for _ in range(2)]
    rollout = plant.a_rollout(devices, rollback_count=0)
    for device in devices:
        plant.install(device)
    real = engine.plan

    def plan(*args):
        steps = real(*args)
        if steps and isinstance(steps[0], Finish):
            monkeypatch.setattr(engine, "plan", real)
            plant.tell(devices[0], "failed", now=after(1))
        return steps

    monkeypatch.setattr(engine, "plan", plan)
    said = plant.tick(rollout, after(1))
    assert "1 device failed, 0 allowed: rolling back." in said
    assert rollout.stage == "rolling_back"


def test_a_worker_that_dies_right_after_the_end_leaves_the_right_numbers(monkeypatch):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    Deployment.objects.update(trouble="The engine stumbled.", stumbles=3)
    real = engine.carry_out

    def carry_out(deployment, step, *args):
        real(deployment, step, *args)
        if isinstance(step, Finish):
            raise KeyboardInterrupt

    monkeypatch.setattr(engine, "carry_out", carry_out)
    with pytest.raises(KeyboardInterrupt):
        engine.tick(rollout.pk, now=after(1))
    rollout.refresh_from_db()
    assert rollout.stage == "completed"
    assert rollout.summary == {"total": 1, "counts": {"installed": 1}}
    assert (rollout.trouble, rollout.stumbles) == ("", 0)
