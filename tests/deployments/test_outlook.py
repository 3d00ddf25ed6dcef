"""What the page says happens next, how its batches look, and what its progress counts."""

from datetime import timedelta

import pytest
from django.urls import reverse

from deployments import frames, ladder, moves, submitting, timeline
from deployments.ladder import Countdown
from deployments.models import Deployment, Event, Instance
from deployments.planner import waiting_for
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db

MANY_AT_ONCE = {"kind": "rolling", "batch_by": "size"}


def picture(deployment: Deployment, seconds: float = 0) -> frames.Picture:
    taken = frames.take(deployment.pk, now=plant.after(seconds))
    assert taken is not None
    return taken


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("draft", "It is at step 5 of 5, Review."),
        ("awaiting approval", "Its author asked for approval."),
        ("ready", "Until then nothing reaches a device."),
        ("ready", "Started, it goes to 1 device at once."),
        ("rolling", "1 device: fetching or installing it."),
        ("at the canary's gate", "The canary is well: 1 of 1 installed."),
        (
            "at the canary's gate",
            "Promote Canary sends it to Batch 1, 2 devices; 2 devices follow after that.",
        ),
        ("at a batch's gate", "Batch 1 is well: 2 of 2 installed."),
        ("at a batch's gate", "Approve Batch sends it to the other 2 devices."),
        ("held", "Canary: 1 of 1 failed, 0 allowed."),
        ("held", "Too many devices failed: nothing more is sent before somebody decides."),
        ("held", "Retry failed tries it again on 1 device."),
        ("held", "Resume goes on despite the failures: 4 devices still have to get it."),
        ("paused", "Resume goes on where it stopped: 2 devices still have to get it."),
        ("paused", "Somebody paused it and has to resume it."),
        ("cancelling", "Nothing new is sent out; it is cancelled when the others have finished."),
        ("completed", "The devices keep the application until another deployment changes it."),
        ("completed with failures", "It is over: 1 device failed."),
        ("rolling back", "1 device: going back to what ran before."),
        ("rolled back", "Every device that it reached has what it ran before."),
        ("rolled back with failures", "An operator can try once more there with Retry failed."),
        ("cancelled", "No device has installed it."),
    ],
)
def test_every_stage_says_what_happens_next(name, words):
    deployment = stages.MADE[name][1](plant.a_version())
    url = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    assert words in cast.sign_in(cast.viewer()).get(url).content.decode()


def test_who_asked_for_approval_is_named_in_words_that_are_right_for_everybody():
    made, author = plant.a_draft([plant.a_device()]), cast.operator()
    submitting.submit(made, actor=author, now=plant.NOON, ask_approval=True)
    assert picture(made).next[:2] == [
        f"{author.username} asked for approval.",
        "An admin who had no part in it can approve it.",
    ]


def test_what_the_planner_waits_for_is_said_in_its_own_words():
    version = plant.a_version()
    for name in ("rolling", "held", "paused", "at a batch's gate", "rolling back"):
        seen = picture(stages.MADE[name][1](version))
        assert set(waiting_for(seen.seen, plant.NOON)) <= set(seen.next), name


def held_by(number: int, version: str = "1.0.0") -> Deployment:
    fleet, rules = stages.some(number + 1), {**MANY_AT_ONCE, "batch_size": number}
    rollout = plant.a_rollout(fleet, plant.a_version(version), **rules)
    for device in fleet[:number]:
        stages.fail(device, error=f"no space for {device.path} <here>")
    plant.tick(rollout)
    assert rollout.stage == "held"
    return rollout


@pytest.mark.parametrize(("failed", "more"), [(2, 0), (3, 0), (5, 2)])
def test_who_is_to_decide_about_failures_sees_the_first_of_them_with_their_errors(failed, more):
    rollout = held_by(failed)
    url = reverse("admin:deployments_deployment_page", args=[rollout.pk])
    text = cast.sign_in(cast.viewer()).get(url).content.decode()
    box = " ".join(text.split('class="failed"')[1].split("</ul>")[0].split())
    paths = Instance.objects.filter(state="failed").values_list("device__path", flat=True)
    for path in paths[:3]:
        said = f"The device reported a failure: no space for {path} &lt;here&gt;"
        assert f"<strong>{path}</strong> {said}" in box
    assert box.count("<strong>") == min(failed, 3)
    assert '<a href="?state=failed#devices">Show the failed</a>' in box
    assert (f"({more} more)" in box) is bool(more)


def test_naming_failures_costs_the_same_for_few_and_many_and_nothing_without(
    django_assert_num_queries,
):
    rolling = stages.rolling(plant.a_version("3.0.0"))
    for deployment, queries in ((held_by(2), 5), (held_by(6, "2.0.0"), 5), (rolling, 4)):
        with django_assert_num_queries(queries):
            picture(deployment)


@pytest.mark.parametrize(
    ("left", "words"),
    [(600, "10 minutes"), (551, "10 minutes"), (247, "5 minutes"), (91, "1 minute 40 seconds")],
)
def test_a_gate_counts_down_in_steps_that_a_person_needs(left, words):
    """It never says less than is left, and a page does not change each second."""
    device, other = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout(
        [device, other], kind="rolling", batch_by="size", batch_size=1, batch_delay_seconds=600
    )
    stages.install([device])
    plant.tick(rollout)
    said = f"In {words} it goes to the other device, or at once with Approve Batch."
    assert picture(rollout, 600 - left).next == ["Batch 1 is well: 1 of 1 installed.", said]


@pytest.mark.parametrize(("left", "steady_seconds"), [(600, 600), (247, 300)])
def test_the_ladder_counts_down_to_the_next_batch_where_it_waits(left, steady_seconds):
    device, other = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout(
        [device, other], kind="rolling", batch_by="size", batch_size=1, batch_delay_seconds=600
    )
    assert picture(rollout).ladder.rows[0].then == "The next follows 10 minutes later"
    stages.install([device])
    plant.tick(rollout)
    row = picture(rollout, 600 - left).ladder.rows[0]
    assert row.then == ""
    assert row.countdown == Countdown(rollout.gate_since + timedelta(minutes=10), steady_seconds)


def test_a_batch_of_devices_that_are_skipped_is_not_waited_for():
    good, small = plant.a_device(), plant.a_device(memory="512Mi")
    rollout = plant.a_rollout([good, small], kind="rolling", batch_by="size", batch_size=1)
    assert [row.look.words for row in picture(rollout).ladder.rows] == ["In progress", "Skipped"]


def test_before_the_start_the_first_batch_is_named_with_all():
    ready = plant.a_ready_deployment(stages.some(5), **stages.BY_HAND)
    assert "Started, it goes to 1 device first, of 5 devices in 3 batches." in picture(ready).next


LOOKS = {
    "ready": ["Not started"],
    "rolling": ["In progress"],
    "at the canary's gate": ["Waiting for Promote Canary", "Not started", "Not started"],
    "at a batch's gate": ["Ended", "Waiting for Approve Batch", "Not started"],
    "held": ["Held", "Not started", "Not started"],
    "paused": ["Paused", "Not started"],
    "completed": ["Ended"],
    "completed with failures": ["Ended with failures"],
    "rolling back": ["Being put back"],
    "rolled back": ["Put back"],
    "rolled back with failures": ["Not all put back"],
    "cancelled": ["Cancelled"],
}


@pytest.mark.parametrize("name", LOOKS)
def test_batches_say_where_they_stand(name):
    rows = picture(stages.MADE[name][1](plant.a_version())).ladder.rows
    assert [row.look.words for row in rows] == LOOKS[name]


def test_a_batch_says_what_stands_between_it_and_the_next_until_that_is_over():
    rows = picture(stages.at_canary_gate(plant.a_version())).ladder.rows
    assert [row.then for row in rows] == ["", "The next follows after Approve Batch", ""]


@pytest.mark.parametrize(
    ("gate", "words"),
    [("manual", "Waiting for Promote Canary"), ("automatic", "Waiting for the clock")],
)
def test_a_batch_at_a_gate_is_told_in_the_words_of_the_whole_rollout(gate, words):
    devices = stages.some(2)
    rules = {**stages.BY_HAND, "canary_gate": gate, "canary_soak_seconds": 600}
    rollout = plant.a_rollout(devices, **rules)
    stages.install(devices[:1])
    plant.tick(rollout)
    assert picture(rollout).ladder.rows[0].look == rollout.look
    assert rollout.look.words == words


def test_failures_that_somebody_accepted_are_told():
    rollout = stages.held(plant.a_version())
    moves.resume(rollout, actor=None, now=plant.NOON)
    assert picture(rollout).ladder.rows[0].outcome == "1 failed; 1 failure accepted"


def test_of_very_many_batches_those_around_the_one_under_way_are_shown(monkeypatch):
    monkeypatch.setattr(ladder, "BATCHES_SHOWN", 4)
    monkeypatch.setattr(ladder, "OVER_SHOWN", 1)
    devices = [plant.a_device() for _ in range(9)]
    rollout = plant.a_rollout(devices, kind="rolling", batch_by="size", batch_size=1)
    for device in devices[:3]:
        plant.install(device)
        plant.tick(rollout)
    shown = picture(rollout).ladder
    assert [row.batch.number for row in shown.rows] == [3, 4, 5, 6]
    assert (shown.before, shown.after) == (2, 3)
    text = frames.parts(picture(rollout))["batches"]
    assert "2 earlier batches" in text
    assert "3 more batches" in text


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("at a batch's gate", (3, 5)),
        ("rolling back", (1, 2)),
        ("rolled back", (1, 1)),
        ("rolled back with failures", (1, 2)),
    ],
)
def test_progress_counts_what_there_is_to_reach(name, reached):
    assert picture(stages.MADE[name][1](plant.a_version())).reached == reached


def test_a_rollout_that_is_over_fills_its_bar():
    version = plant.a_version()
    has_it, other = plant.a_device(), plant.a_device()
    first = plant.a_rollout([has_it], version)
    stages.install([has_it])
    plant.tick(first)
    rollout = plant.a_rollout([has_it, other], version)
    stages.install([other])
    plant.tick(rollout)
    assert rollout.stage == "completed"
    assert picture(rollout).bar == [("ok", "Installed", 1), ("over", "Skipped", 1)]


def test_each_end_has_the_colour_of_how_it_ended():
    """It completed well, and then could not be put back everywhere."""
    rollout = stages.rolled_back_with_failures(plant.a_version())
    tones = {line.event.to_stage: line.tone for line in picture(rollout).events}
    assert tones["rolled_back"] == "bad"
    assert tones["completed"] == "ok"


def test_every_kind_of_line_in_the_timeline_has_a_tone_of_its_own_or_of_its_stage():
    stages.in_each_stage()
    kinds = set(Event.objects.filter(to_stage="").values_list("kind", flat=True))
    assert kinds
    assert kinds <= set(timeline.EVENT_TONES)
