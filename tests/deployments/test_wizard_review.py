"""The wizard's last step: the plan drawn with its gates, what speaks against it, the buttons."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from deployments import engine, moves
from deployments.models import ApprovalRule, Deployment, Instance, Revision
from tests import cast
from tests.deployments import plant
from tests.deployments.wizard import text_of

pytestmark = pytest.mark.django_db

BUTTONS = ("start", "at", "ask", "ready")


def a_draft(size: int = 20, version=None, **rules) -> Deployment:
    draft = plant.a_draft([plant.a_device() for _ in range(size)], version, **rules)
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=5)
    draft.refresh_from_db()
    return draft


def a_rule(name: str = "Many at once", **asks) -> ApprovalRule:
    now = timezone.now()
    return ApprovalRule.objects.create(name=name, created_at=now, updated_at=now, **asks)


def url(draft: Deployment) -> str:
    return reverse("admin:deployments_deployment_step", args=[draft.pk, 5])


def now_at(draft: Deployment) -> Deployment:
    draft.refresh_from_db()
    return draft


def local(at) -> str:
    """A moment as the browser posts it."""
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def buttons_of(page) -> set[str]:
    """What the buttons that one can see ask for."""
    text = text_of(page).replace('class="enter-key" form="step-form" name="go"', "")
    return {go for go in BUTTONS if f'name="go" value="{go}"' in text}


# The plan


def test_the_plan_is_drawn_batch_by_batch_with_the_gates_between(browser):
    draft = a_draft(
        20, kind="canary_rolling", canary_by="count", canary_count=2, batch_delay_seconds=600
    )
    text = text_of(browser.get(url(draft)))
    places = [
        text.index(words)
        for words in (
            "At once",
            "<strong>Canary</strong> <span>2 devices</span>",
            "After Promote Canary",
            "<strong>Batch 1</strong> <span>5 devices</span>",
            "10 minutes after the batch before is healthy",
            "<strong>Batch 2</strong> <span>5 devices</span>",
        )
    ]
    assert places == sorted(places)
    assert text.count("by-hand") == 1


def test_a_batch_names_its_first_devices_and_counts_the_others(browser):
    draft = plant.a_draft([plant.a_device(path=f"pump-{number}") for number in range(8)])
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=5)
    assert "pump-0, pump-1, pump-2, pump-3, pump-4 and 3 more" in text_of(browser.get(url(draft)))


def test_of_many_batches_the_middle_is_counted(browser):
    draft = a_draft(30, kind="rolling", batch_by="size", batch_size=1, batch_gate="manual")
    text = text_of(browser.get(url(draft)))
    assert text.count("by-hand") == 11
    assert text.count('class="plan-leg"') == 12
    assert "18 more batches like these" in text
    assert "<strong>Batch 30</strong>" in text


def test_the_drawn_batches_add_up_to_who_gets_it_and_the_others_are_counted_below(browser):
    devices = [plant.a_device() for _ in range(11)]
    devices += [plant.a_device(memory="512Mi") for _ in range(3)]
    rules = {"kind": "rolling", "batch_by": "size", "batch_size": 4, "batch_gate": "manual"}
    text = text_of(browser.get(url(plant.a_draft(devices, **rules))))
    assert "11 of 14 devices get Mixer 1.0.0" in text
    drawn = re.findall(r"<strong>(Batch \d)</strong> <span>(\d+) devices</span>", text)
    assert drawn == [("Batch 1", "4"), ("Batch 2", "4"), ("Batch 3", "3")]
    assert "3 more cannot run it and are skipped" in text
    assert 'width="36.364%"' in text


def test_a_plan_in_which_nobody_can_run_it_draws_nothing_and_says_so(browser):
    text = text_of(browser.get(url(plant.a_draft([plant.a_device(memory="512Mi")]))))
    assert "No chosen device can run it" in text
    assert "plan-leg" not in text


def test_what_was_allowed_is_said_in_words(browser):
    draft = a_draft(
        30,
        kind="canary",
        max_failures="10 %",
        offline="fail",
        retry_failed=2,
        rollback_percent="2",
        rollback_min_released=20,
    )
    text = text_of(browser.get(url(draft)))
    for words in (
        "10 % of the devices first",
        "The others follow after Promote Canary",
        "10 % of each batch may fail",
        "30 minutes to install",
        "A device that does not come within 10 minutes counts as failed",
        "Tried again by itself: 2 times after a reported failure",
        "More than 2 % failures undo it once 20 devices have it",
    ):
        assert words in text


def test_where_a_version_was_rolled_back_before_is_said(browser):
    version = plant.a_version()
    devices = [plant.a_device() for _ in range(3)]
    failed = plant.a_rollout(devices[:2], version)
    for device in devices[:2]:
        plant.install(device)
    moves.roll_back(failed, actor=None, now=plant.after(60))
    engine.tick(failed.pk, now=plant.after(60))
    plant.a_rollout(devices[2:], version)
    plant.install(devices[2])
    assert Revision.objects.exclude(bad_at=None).count() == 2
    draft = plant.a_draft(devices, version)
    # On the third device it is well.
    other = plant.a_draft(devices, plant.a_version("2.0.0"))
    Deployment.objects.filter(pk__in=[draft.pk, other.pk]).update(wizard_step=5)
    said = "was rolled back on 2 of these devices."
    assert f"Mixer 1.0.0 {said}" in text_of(browser.get(url(draft)))
    assert said not in text_of(browser.get(url(other)))


# The buttons


@pytest.mark.parametrize(
    ("go", "stage", "holds"),
    [
        ("start", "rolling", True),
        ("ready", "ready", False),
        ("ask", "awaiting_approval", False),
        ("draft", "draft", False),
    ],
)
def test_each_button_does_what_it_says(browser, go, stage, holds):
    draft = a_draft(2)
    assert browser.post(url(draft), {"go": go}).status_code == 302
    assert now_at(draft).stage == stage
    assert Instance.objects.filter(deployment=draft, holds=True).exists() == holds


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({}, "was started: all devices get it as they ask. This page follows every device."),
        (
            {"kind": "canary"},
            "was started: 10 % of the devices first, the others follow after Promote Canary.",
        ),
    ],
)
def test_after_the_start_the_page_says_what_happens_next(browser, rules, sentence):
    page = browser.post(url(a_draft(2, **rules)), {"go": "start"}, follow=True)
    assert sentence in text_of(page)


def test_one_button_is_the_main_one_and_the_others_say_what_they_do(browser):
    text = text_of(browser.get(url(a_draft(2))))
    assert re.findall(r'class="button-primary" name="go" value="(\w+)"', text) == ["start"]
    explained = re.findall(r'value="(\w+)" aria-describedby="(about-\w+)"', text)
    assert dict(explained) == {"ask": "about-ask", "ready": "about-ready", "draft": "about-draft"}
    assert "Checked and frozen, to be started later by hand." in text


@pytest.mark.parametrize(
    ("size", "rules", "whom"),
    [(5, {"kind": "canary"}, "1 device first."), (5, {}, "all 5 devices."), (1, {}, "1 device.")],
)
def test_the_last_line_says_how_many_get_it_first(browser, size, rules, whom):
    page = browser.get(url(a_draft(size, **rules)))
    assert f"Start now sends it to {whom}" in text_of(page)


def test_it_starts_at_the_time_that_was_chosen_in_the_portals_zone(browser, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    draft = a_draft(2)
    assert "time zone, Asia/Tokyo" in text_of(browser.get(url(draft)))
    at = (timezone.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    page = browser.post(url(draft), {"go": "at", "at": local(at)}, follow=True)
    assert now_at(draft).stage == "ready"
    assert (draft.start_at, draft.due_at) == (at, at)
    assert "starts by itself at" in text_of(page)
    engine.tick(draft.pk, now=at)
    assert now_at(draft).stage == "rolling"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Choose a day and a time."),
        ("soon", "Enter a valid date/time."),
        ("2020-01-01T00:00", "The time to start must be in the future, within a year."),
        ("2999-01-01T00:00", "The time to start must be in the future, within a year."),
    ],
)
def test_a_time_that_cannot_be_is_told_beside_its_field_and_nothing_is_submitted(
    browser, typed, sentence
):
    draft = a_draft(2)
    page = browser.post(url(draft), {"go": "at", "at": typed})
    text = text_of(page)
    assert page.context["failed"]
    assert f'<p class="error" id="id_at_error">{sentence}</p>' in text
    assert f'value="{typed}"' in text or not typed
    assert "autofocus" in text
    assert now_at(draft).stage == "draft"


def test_enter_in_the_time_sets_the_time(browser):
    text = text_of(browser.get(url(a_draft(2))))
    assert 'value="at" tabindex="-1" aria-hidden="true"' in text


# Approval


def test_where_a_rule_wants_approval_start_now_gives_way_to_ask_for_approval(browser):
    a_rule(more_than=10)
    version = plant.a_version()
    few, many = a_draft(10, version), a_draft(11, version)
    assert buttons_of(browser.get(url(few))) == {"start", "at", "ask", "ready"}
    page = browser.get(url(many))
    assert buttons_of(page) == {"at", "ask"}
    assert "It needs approval before it can start" in text_of(page)
    assert "Rule “Many at once”: more than 10 devices." in text_of(page)


@pytest.mark.parametrize("go", ["start", "ask", "ready"])
def test_no_button_gets_around_a_rule(browser, go):
    a_rule(more_than=1)
    draft = a_draft(2)
    page = browser.post(url(draft), {"go": go}, follow=True)
    assert now_at(draft).stage == "awaiting_approval"
    assert "waits for approval. Nothing happens before somebody approves" in text_of(page)
    assert not Instance.objects.filter(holds=True).exists()


def test_it_starts_at_the_time_only_if_it_was_approved_before(browser):
    a_rule(more_than=1)
    draft = a_draft(2)
    assert "It starts then if it was approved before." in text_of(browser.get(url(draft)))
    at = (timezone.now() + timedelta(hours=2)).replace(second=0, microsecond=0)
    page = browser.post(url(draft), {"go": "at", "at": local(at)}, follow=True)
    assert "if it was approved before" in text_of(page)
    assert now_at(draft).stage == "awaiting_approval"
    assert draft.start_at == at
    engine.tick(draft.pk, now=at)
    assert now_at(draft).stage == "awaiting_approval"
    moves.approve(draft, actor=cast.admin(), now=at - timedelta(hours=1))
    engine.tick(draft.pk, now=at)
    assert now_at(draft).stage == "rolling"


# Who may


def preparer() -> User:
    """An operator of an installation in which operators may not start anything."""
    person = cast.operator()
    group = person.groups.get()
    group.permissions.remove(*Permission.objects.filter(codename="roll_out_deployment"))
    return person


def test_who_may_not_start_may_neither_start_nor_schedule():
    browser, draft = cast.sign_in(preparer()), a_draft(2)
    at = local(timezone.now() + timedelta(days=1))
    assert buttons_of(browser.get(url(draft))) == {"ask", "ready"}
    for answer in ({"go": "start"}, {"go": "at", "at": at}):
        page = browser.post(url(draft), answer)
        assert "You may prepare this deployment, but not start it." in text_of(page)
        assert now_at(draft).stage == "draft"
        assert draft.start_at is None
    browser.post(url(draft), {"go": "ready"})
    assert now_at(draft).stage == "ready"


# Refusals


def test_a_start_that_is_refused_leaves_it_ready_and_says_so(browser, monkeypatch):
    draft = a_draft(2)
    real = moves.start

    def late(deployment, **rest):
        # Another deployment starts between the submit and the start.
        monkeypatch.undo()
        device = Instance.objects.filter(deployment=deployment).first().device
        plant.a_rollout([device], draft.version)
        real(deployment, **rest)

    monkeypatch.setattr(moves, "start", late)
    page = browser.post(url(draft), {"go": "start"}, follow=True)
    assert now_at(draft).stage == "ready"
    assert "is ready, but did not start." in text_of(page)
    assert "is changing Mixer on" in text_of(page)


def test_a_canary_whose_label_matches_nobody_cannot_be_submitted(browser):
    draft = a_draft(2, kind="canary", canary_by="labels", canary_labels="line=nowhere")
    page = browser.get(url(draft))
    assert "No device matches the canary" in text_of(page)
    page = browser.post(url(draft), {"go": "ready"})
    assert page.context["failed"]
    assert now_at(draft).stage == "draft"
