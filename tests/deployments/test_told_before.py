"""What a device says while something newer waits to be published is about what it was told."""

import pytest

from deployments import moves
from deployments.models import Workload
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def device():
    return plant.a_device(path="press-1")


@pytest.fixture
def silent(device):
    """It got 1.0.0 and said nothing for so long that the rollout ended without it."""
    rollout = plant.a_rollout([device], plant.a_version("1.0.0"))
    plant.poll(device)
    plant.fetch(device)
    assert plant.tick(rollout, after(1_800))[-1].startswith("Completed: 1 of 1 failed")
    return rollout


def test_it_is_known_when_the_newer_one_is_taken_back(device, silent):
    second = plant.a_rollout([device], plant.a_version("2.0.0"))
    plant.tell(device, "installed", adopted=1, now=after(1_900))
    assert plant.states_of(second) == {"pending": 1}
    moves.cancel(second, actor=None, now=after(1_901))
    workload = Workload.objects.select_related("wanted__version").get()
    assert workload.wanted.version.version == "1.0.0"
    assert (workload.state, workload.installed) == ("installed", workload.wanted)


def test_the_newer_one_is_installed_only_by_a_report_about_itself(device, silent):
    second = plant.a_rollout([device], plant.a_version("2.0.0"))
    plant.tell(device, "installed", adopted=1, now=after(1_900))
    manifest = plant.poll(device, after(1_901)).version
    plant.tell(device, "installed", adopted=1, now=after(1_902))
    assert plant.states_of(second) == {"pending": 1}
    plant.tell(device, "installed", adopted=manifest, now=after(1_903))
    assert plant.states_of(second) == {"installed": 1}


def test_a_try_that_waits_is_not_ended_by_the_try_before(device):
    rollout = plant.a_rollout([device], retry_failed=1)
    plant.poll(device)
    plant.fetch(device)
    plant.tell(device, "failed", adopted=1)
    assert "trying again" in plant.tick(rollout)[0]
    plant.tell(device, "failed", adopted=1, error="said once more", now=after(5))
    assert plant.states_of(rollout) == {"pending": 1}
