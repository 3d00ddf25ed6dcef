"""The second 150 worlds: all rules hold after every step, and everything happens often enough."""

import pytest

from tests.simulation.batch import Batch

pytestmark = pytest.mark.django_db
BATCH = Batch(range(150, 300))


@pytest.mark.parametrize("seeds", BATCH.parts, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_all_rules_hold_after_every_step(seeds):
    BATCH.hold(seeds)


def test_everything_happens_often_enough():
    assert BATCH.rare() == {}
