"""When a batch began and ended, also where it ended with the deployment or never began."""

import pytest

from accounts.look import point
from deployments import frames, moves
from deployments.models import Deployment
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def rows(rollout: Deployment) -> list[str]:
    """The rows of the table of batches, as text."""
    picture = frames.take(rollout.pk, now=plant.after(99))
    assert picture
    return frames.parts(picture)["batches"].split("<tbody>")[1].split("</tr>")[:-1]


def test_while_it_runs_what_is_to_come_is_not_yet():
    canary, second, rest = rows(stages.at_canary_gate(plant.a_version()))
    assert "not yet" not in canary
    assert second.count("not yet") == rest.count("not yet") == 2


def test_a_batch_that_is_tried_again_keeps_the_time_of_its_first_release():
    rollout = stages.completed_with_failures(plant.a_version())
    moves.retry_failed(rollout, actor=None, now=plant.after(40))
    plant.tick(rollout, plant.after(40))
    (row,) = rows(rollout)
    assert point(plant.NOON) in row
    assert point(plant.after(40)) not in row


def test_a_batch_that_was_taken_back_keeps_the_time_of_its_first_release():
    rollout = stages.rolling(plant.a_version())
    moves.pause(rollout, actor=None, now=plant.after(20))
    moves.resume(rollout, actor=None, now=plant.after(40))
    plant.tick(rollout, plant.after(40))
    (row,) = rows(rollout)
    assert point(plant.NOON) in row
    assert point(plant.after(40)) not in row


def test_batches_of_a_rollback_that_is_over_have_ended_with_it():
    devices = stages.some(3)
    rollout = plant.a_rollout(devices, kind="rolling", batch_by="size", batch_size=1)
    plant.install(devices[0])
    plant.tick(rollout)
    moves.roll_back(rollout, actor=None, now=plant.after(5))
    plant.tick(rollout, plant.after(5))
    first, second, third = rows(rollout)
    assert "not yet" in second
    moves.give_up_rest(rollout, actor=None, now=plant.after(60))
    plant.tick(rollout, plant.after(60))
    assert rollout.stage == "rolled_back"
    assert rollout.batches.get(number=2).ended_at is None
    first, second, third = rows(rollout)
    assert not any("not yet" in row for row in (first, second, third))
    assert point(plant.after(60)) in second
    assert third.count(">–<") == 2
