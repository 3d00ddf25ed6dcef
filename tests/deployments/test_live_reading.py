"""What a look at a deployment tells its pages: each change once, bounded, at one price."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import frames, live
from deployments.models import Instance
from tests.deployments import plant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def devices():
    return [plant.a_device() for _ in range(3)]


@pytest.fixture
def rollout(devices):
    return plant.a_rollout(devices)


def test_a_reading_tells_each_version_of_a_row_once(rollout):
    reading = live.Reading(rollout.pk, plant.NOON)
    first, second = (reading.next(plant.after(1)) for _ in range(2))
    assert len(first["instances"]) == 3
    assert second["kind"] == "beat"


def test_a_countdown_is_no_news_until_its_words_are_others(rollout):
    reading = live.Reading(rollout.pk, plant.NOON)
    kinds = [reading.next(plant.after(seconds))["kind"] for seconds in (1, 6, 11, 400)]
    assert kinds == ["change", "beat", "beat", "change"]


def test_a_row_committed_late_is_told_within_the_overlap(rollout, devices):
    reading = live.Reading(rollout.pk, plant.NOON)
    reading.next(plant.after(10))
    Instance.objects.filter(device=devices[0]).update(changed_at=plant.after(6), changes=50)
    late = reading.next(plant.after(11))
    assert [row["v"] for row in late["instances"]] == [50]


def test_a_frame_is_bounded_and_says_that_there_is_more(rollout, devices, monkeypatch):
    monkeypatch.setattr(frames, "ROWS_PER_FRAME", 2)
    frame = live.Reading(rollout.pk, plant.NOON).next(plant.NOON)
    assert len(frame["instances"]) == 2
    assert frame["more"] is True


def test_a_reading_costs_the_same_for_more_devices(rollout):
    big = plant.a_rollout([plant.a_device() for _ in range(40)], rollout.version)
    costs = []
    for one in (rollout, big):
        with CaptureQueriesContext(connection) as seen:
            live.Reading(one.pk, plant.NOON).next(plant.NOON)
        costs.append(len(seen))
    assert costs[0] == costs[1]
