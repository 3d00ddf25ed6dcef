"""A rollback ends although its version was lost on the way to some devices."""

import pytest

from deployments import moves
from tests.deployments import plant
from tests.deployments.plant import after

pytestmark = pytest.mark.django_db


@pytest.fixture
def device():
    return plant.a_device(path="press-1")


def rolled_back(rollout):
    """The rollback has begun, and its removals wait for the devices to ask."""
    moves.roll_back(rollout, actor=None, now=after(1))
    plant.tick(rollout, after(1))
    assert plant.states_of(rollout) == {"removing": 1}


def test_a_device_that_never_spoke_of_it_has_nothing_to_remove(device):
    rollout = plant.a_rollout([device])
    # The manifest goes out; the answer, or the content after it, never arrives.
    plant.poll(device)
    rolled_back(rollout)
    plant.poll(device, after(2))
    assert plant.tick(rollout, after(2)) == ["Rolled back: 1 device put back."]
    assert (rollout.stage, rollout.status) == ("rolled_back", "removed")


def test_it_is_the_same_when_an_earlier_one_was_removed_before(device):
    first = plant.a_rollout([device], plant.a_version("1.0.0"))
    plant.install(device)
    plant.tick(first)
    moves.roll_back(first, actor=None, now=plant.NOON)
    plant.tick(first)
    plant.poll(device)
    plant.tell(device, "removed")
    plant.tick(first)
    assert first.stage == "rolled_back"
    second = plant.a_rollout([device], plant.a_version("2.0.0"))
    plant.poll(device)
    rolled_back(second)
    plant.poll(device, after(2))
    assert plant.tick(second, after(2)) == ["Rolled back: 1 device put back."]


def test_a_device_that_did_speak_of_it_is_waited_for(device):
    rollout = plant.a_rollout([device])
    plant.poll(device)
    manifest = plant.poll(device).version
    rolled_back(rollout)
    # Sent before the rollback and received after it: history, but it tells that the device has it.
    plant.tell(device, "pending", adopted=manifest, now=after(1))
    plant.poll(device, after(2))
    assert plant.tick(rollout, after(2)) == []
    plant.tell(device, "removed", now=after(3))
    assert plant.tick(rollout, after(3)) == ["Rolled back: 1 device put back."]


@pytest.fixture
def asked_for(device):
    """It asked for the content; whether the answer reached it, nobody knows."""
    rollout = plant.a_rollout([device])
    plant.poll(device)
    plant.fetch(device)
    rolled_back(rollout)
    plant.poll(device, after(2))
    return rollout


def test_a_device_that_fetched_it_may_have_begun_and_is_waited_for(device, asked_for):
    assert plant.tick(asked_for, after(2)) == []
    plant.tell(device, "removed", now=after(3))
    assert plant.tick(asked_for, after(3)) == ["Rolled back: 1 device put back."]


NEVER_SPOKE = (
    "All devices: 1 device knew of the removal for 1 minute and never spoke of the application: "
    "nothing to remove."
)


def test_but_not_for_ever_when_it_knows_of_the_removal_and_says_nothing(asked_for):
    assert plant.tick(asked_for, after(2)) == []
    assert (asked_for.due_at, asked_for.stage) == (after(62), "rolling_back")
    assert plant.tick(asked_for, after(61)) == []
    done = [NEVER_SPOKE, "Rolled back: 1 device put back."]
    assert plant.tick(asked_for, after(62)) == done
    assert (asked_for.stage, asked_for.status) == ("rolled_back", "removed")
    assert [event.sentence for event in asked_for.events.order_by("-pk")[:2]] == done[::-1]


def test_silence_counts_from_the_poll_that_shows_that_it_knows(device):
    rollout = plant.a_rollout([device])
    plant.poll(device)
    plant.fetch(device)
    rolled_back(rollout)
    assert plant.tick(rollout, after(600)) == []
    plant.poll(device, after(601))
    assert plant.tick(rollout, after(660)) == []
    assert plant.tick(rollout, after(661))[0] == NEVER_SPOKE


@pytest.mark.parametrize("word", ["pending", "installing", "removing"])
def test_a_device_that_says_one_word_of_it_is_waited_for_as_before(device, asked_for, word):
    plant.tell(device, word, now=after(30))
    assert plant.tick(asked_for, after(120)) == []
    plant.tell(device, "removed", now=after(121))
    assert plant.tick(asked_for, after(121)) == ["Rolled back: 1 device put back."]


def test_what_is_put_back_is_never_taken_for_done_by_silence(device):
    first = plant.a_rollout([device], plant.a_version("1.0.0"))
    plant.install(device)
    plant.tick(first)
    second = plant.a_rollout([device], plant.a_version("2.0.0"))
    plant.poll(device)
    plant.fetch(device)
    rolled_back(second)
    plant.poll(device, after(2))
    plant.fetch(device, after(2))
    assert plant.tick(second, after(600)) == []
    assert plant.states_of(second) == {"removing": 1}
