"""Where nothing is new, nothing is written and nobody is told, in every stage."""

import pytest

from deployments import engine
from tests.deployments import plant, stages, talk
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", stages.MADE)
def test_looks_without_news_write_nothing_and_tell_nobody(
    name, django_capture_on_commit_callbacks, django_assert_max_num_queries
):
    deployment = stages.MADE[name][1](plant.a_version())
    plant.tick(deployment)
    before = talk.rows()
    with django_capture_on_commit_callbacks() as told:
        for second in (1, 2):
            with django_assert_max_num_queries(1):
                assert engine.tick(deployment.pk, now=after(second)) == []
    assert told == []
    assert talk.rows() == before


def test_the_same_words_of_a_device_wake_nobody_and_count_once(django_capture_on_commit_callbacks):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.poll(device)
    plant.fetch(device)
    for word in ("pending", "installing", "failed", "installed"):
        plant.tell(device, word)
        plant.tick(rollout)
        before = list(rollout.instances.values()), rollout.events.count()
        with django_capture_on_commit_callbacks() as told:
            plant.tell(device, word, now=after(1))
        assert told == [], word
        assert engine.tick(rollout.pk, now=after(1)) == []
        assert (list(rollout.instances.values()), rollout.events.count()) == before, word
