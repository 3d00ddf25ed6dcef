"""What a confirmation says will happen to how many devices, and that it then happens so."""

import pytest
from django.urls import reverse

from deployments import consequences, fates, moves
from deployments.fates import Fate
from deployments.models import Deployment, Instance
from deployments.states import VERBS, Action, Stage, allowed
from devices.models import Client
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


def told(deployment: Deployment, action: Action) -> list[str]:
    return consequences.of(deployment, action, now=plant.NOON)


def states_by_path(deployment: Deployment) -> dict[str, str]:
    mine = Instance.objects.filter(deployment=deployment)
    return dict(mine.values_list("device__path", "state"))


def finished(devices, version) -> Deployment:
    rollout = plant.a_rollout(devices, version)
    stages.install(devices)
    plant.tick(rollout)
    return rollout


def test_a_rollback_of_a_finished_rollout_does_to_each_device_what_was_said():
    one, two, three = (plant.a_version(number) for number in ("1.0.0", "2.0.0", "3.0.0"))
    names = ("back", "bare", "overtaken", "held", "gone", "had it", "beside")
    found = {name: plant.a_device(path=name) for name in names}
    finished([found["back"]], one)
    finished([found["had it"]], two)
    rollout = plant.a_rollout([found[name] for name in names[:-1]], two)
    stages.install([found[name] for name in names[:-2]])
    plant.tick(rollout)
    finished([found["overtaken"]], three)
    plant.a_rollout(
        [found["beside"], found["held"]], three, kind="rolling", batch_by="size", batch_size=1
    )
    Client.objects.filter(devices=found["gone"]).update(state=Client.State.RETIRED)

    assert set(fates.fates(rollout).values()) == {1}
    assert told(rollout, Action.ROLLBACK) == [
        "1 device goes back to what it ran before.",
        "1 device has the application removed: nothing ran there before.",
        "1 device is left alone: a later deployment has changed the application there.",
        "1 device is left alone: another running deployment is changing the application there.",
        "1 device has left the fleet, so it cannot be put back.",
        "1 device was skipped and stays as it is.",
        "What ran before: 1.0.0 on 1 device.",
        "Once begun it goes on to its end; devices that are offline go back when they return.",
    ]
    moves.roll_back(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    assert states_by_path(rollout) == {
        "back": "removing",
        "bare": "removing",
        "overtaken": "superseded",
        "held": "superseded",
        "gone": "failed",
        "had it": "skipped",
    }


@pytest.fixture
def halfway() -> Deployment:
    """One device knows about it, one was not told yet, and one is in the next batch."""
    knows, untold, later = (
        plant.a_device(path=name) for name in ("1 knows", "2 untold", "3 later")
    )
    rollout = plant.a_rollout([knows, untold, later], kind="rolling", batch_by="size", batch_size=2)
    plant.poll(knows)
    plant.fetch(knows)
    return rollout


def test_a_rollback_halfway_takes_back_what_nobody_was_told(halfway):
    assert fates.fates(halfway) == {Fate.BARE: 1, Fate.TAKEN_BACK: 1, Fate.UNTOUCHED: 1}
    moves.roll_back(halfway, actor=None, now=plant.NOON)
    plant.tick(halfway)
    assert states_by_path(halfway) == {
        "1 knows": "removing",
        "2 untold": "removed",
        "3 later": "cancelled",
    }


def test_a_second_try_that_nobody_was_told_is_taken_back_to_the_first(halfway):
    """The device has the first try, so there is something to put back all the same."""
    knows = Instance.objects.get(device__path="1 knows").device
    stages.fail(knows)
    plant.tick(halfway)
    moves.retry_failed(halfway, actor=None, now=plant.NOON)
    plant.tick(halfway)
    assert fates.fates(halfway)[Fate.BARE] == 1
    moves.roll_back(halfway, actor=None, now=plant.NOON)
    plant.tick(halfway)
    assert states_by_path(halfway)["1 knows"] == "removing"


def test_a_cancel_takes_back_and_lets_finish_as_was_said(halfway):
    assert told(halfway, Action.CANCEL) == [
        "1 device never gets it.",
        "1 device does not know about it yet: it is taken back.",
        "1 device knows about it already and may finish.",
        "What is installed can still be rolled back afterwards.",
    ]
    moves.cancel(halfway, actor=None, now=plant.NOON)
    assert states_by_path(halfway) == {
        "1 knows": "pending",
        "2 untold": "cancelled",
        "3 later": "cancelled",
    }


def test_a_pause_lets_wait_and_lets_finish_as_was_said(halfway):
    assert told(halfway, Action.PAUSE)[:2] == [
        "2 devices get nothing before it is resumed.",
        "1 device knows about it already and may finish.",
    ]
    moves.pause(halfway, actor=None, now=plant.NOON)
    assert states_by_path(halfway) == {
        "1 knows": "pending",
        "2 untold": "queued",
        "3 later": "queued",
    }


def test_resuming_says_what_is_accepted_and_who_is_still_to_get_it():
    held = stages.held(plant.a_version())
    assert told(held, Action.RESUME) == [
        "It goes on despite the failures.",
        "1 device that failed is accepted: only more failures hold its batch again.",
        "4 devices are still to get it, after Promote Canary and Approve Batch.",
        "Too many failures still roll it back, if its plan says so.",
    ]
    moves.resume(held, actor=None, now=plant.NOON)
    plant.tick(held)
    assert plant.states_of(held) == {"failed": 1, "queued": 4}


def test_resuming_a_pause_accepts_nothing_and_begins_a_delay_anew(halfway):
    moves.pause(halfway, actor=None, now=plant.NOON)
    rules = {**halfway.strategy, "batch_delay_seconds": 600}
    Deployment.objects.filter(pk=halfway.pk).update(strategy=rules)
    halfway.refresh_from_db()
    assert told(halfway, Action.RESUME) == [
        "2 devices are still to get it, batch by batch as planned.",
        "A delay between two batches that had begun starts anew.",
        "Too many failures still roll it back, if its plan says so.",
    ]


def test_a_retry_leaves_alone_what_was_changed_since_as_was_said():
    version = plant.a_version("1.0.0")
    good, bad, overtaken = (plant.a_device() for _ in range(3))
    rollout = plant.a_rollout([good, bad, overtaken], version)
    stages.install([good])
    stages.fail(bad)
    stages.fail(overtaken)
    plant.tick(rollout)
    finished([overtaken], plant.a_version("2.0.0"))
    assert told(rollout, Action.RETRY_FAILED) == [
        "1 device that failed gets it again.",
        "1 device is left alone: a later deployment has changed the application there.",
        "1 device has installed it and keeps it.",
    ]
    moves.retry_failed(rollout, actor=None, now=plant.NOON)
    assert plant.states_of(rollout) == {"installed": 1, "queued": 1, "superseded": 1}


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        ({}, "4 devices follow after Promote Canary and Approve Batch."),
        ({"batch_gate": "automatic"}, "4 devices follow after Promote Canary."),
        (
            {"batch_gate": "automatic", "canary_gate": "automatic"},
            "4 devices follow when those before them are well.",
        ),
    ],
)
def test_a_retry_says_what_the_others_wait_for(gates, words):
    fleet = stages.some(5)
    held = plant.a_rollout(fleet, **{**stages.BY_HAND, **gates})
    stages.fail(fleet[0])
    plant.tick(held)
    assert held.stage == "held"
    assert told(held, Action.RETRY_FAILED) == ["1 device that failed gets it again.", words]


@pytest.mark.parametrize(
    ("made", "action", "title", "button"),
    [
        (stages.held, Action.RETRY_FAILED, "Try the failed devices again?", "Retry failed"),
        (
            stages.rolled_back_with_failures,
            Action.RETRY_FAILED,
            "Put the failed devices back once more?",
            "Retry failed",
        ),
        (stages.held, Action.CANCEL, "Cancel the rollout of Rollout?", "Cancel the rollout"),
        (stages.held, Action.RESUME, "Resume Rollout despite the failures?", "Resume"),
        (stages.rolling, Action.PAUSE, "Pause: Rollout?", "Pause"),
    ],
)
def test_a_confirmation_asks_in_words_that_cannot_be_misread(made, action, title, button):
    url = reverse(
        "admin:deployments_deployment_action", args=[made(plant.a_version()).pk, action.value]
    )
    answer = cast.sign_in(cast.operator()).get(url)
    assert answer.context["title"] == title
    text = answer.content.decode()
    assert f">{button}</button>" in text
    assert ">Go back, change nothing</a>" in text


def test_giving_up_counts_those_that_are_still_to_be_put_back():
    rollout = stages.rolling_back(plant.a_version())
    assert told(rollout, Action.GIVE_UP)[0] == "1 device counts as not put back."
    again = stages.rolled_back_with_failures(plant.a_version("2.0.0"))
    assert told(again, Action.RETRY_FAILED) == ["1 device gets back what it ran before, once more."]


def test_deleting_a_finished_rollout_ends_the_way_back_and_says_so():
    assert told(stages.completed(plant.a_version()), Action.DELETE) == [
        "It disappears from the lists; its history stays at its address.",
        "1 device keeps the application.",
        "It cannot be rolled back afterwards.",
    ]


def test_before_the_start_no_device_is_touched():
    waiting = stages.awaiting_approval(plant.a_version())
    for action in (Action.DENY, Action.CANCEL):
        assert told(waiting, action)[0] == (
            "It will not be rolled out to 3 devices; none of them was touched."
        )
    assert told(waiting, Action.APPROVE)[0] == "Mixer 1.0.0 may be rolled out to 3 devices."


def test_every_confirmation_of_every_stage_says_something_and_asks_for_a_reason():
    browser = cast.sign_in(cast.admin())
    for name, deployment in stages.in_each_stage().items():
        actions = allowed(Stage(deployment.stage), deployment.gate_kind)
        for action in consequences.TOLD_FIRST.intersection(actions):
            url = reverse("admin:deployments_deployment_action", args=[deployment.pk, action.value])
            answer = browser.get(url)
            assert answer.context["consequences"], (name, action)
            assert f">{VERBS[action].words}" in answer.content.decode()
            assert ('name="reason"' in answer.content.decode()) is (name != "draft")
