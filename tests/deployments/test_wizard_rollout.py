"""The wizard's step Rollout: four strategies from typed answers to frozen batches."""

import re

import pytest
from django.urls import reverse

from deployments import strategy
from deployments.models import Deployment
from tests.deployments import plant

pytestmark = pytest.mark.django_db

#: Answers that are right for every strategy, as the untouched page would post them.
USUAL = {"canary_percent": "10", "batch_percent": "25", "max_failures": "0"}


def a_draft(size: int = 20, **rules) -> Deployment:
    draft = plant.a_draft([plant.a_device() for _ in range(size)], **rules)
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=4)
    draft.refresh_from_db()
    return draft


def step_url(draft: Deployment, number: int = 4) -> str:
    return reverse("admin:deployments_deployment_step", args=[draft.pk, number])


def stored(draft: Deployment) -> dict[str, object]:
    """What of the draft's strategy differs from the defaults."""
    draft.refresh_from_db()
    usual = strategy.DEFAULTS
    return {name: value for name, value in draft.strategy.items() if value != usual[name]}


def error_at(page, field: str) -> str:
    """What is said beside a field, and tied to it."""
    text = " ".join(page.content.decode().split())
    found = re.search(rf'<p class="error" id="id_{field}_error">(.*?)</p>', text)
    return found[1] if found else ""


# From answers to frozen batches


@pytest.mark.parametrize(
    ("answers", "kept", "batches"),
    [
        pytest.param({"kind": "immediate"}, {}, [("All devices", 20, "")], id="immediate"),
        pytest.param(
            {"kind": "canary", "canary_percent": "25"},
            {"kind": "canary", "canary_percent": "25"},
            [("Canary", 5, "canary"), ("The rest", 15, "")],
            id="canary by percentage, promoted by hand",
        ),
        pytest.param(
            {
                "kind": "canary",
                "canary_by": "count",
                "canary_count": "3",
                "canary_gate": "automatic",
                "canary_soak": "1.5",
                "canary_soak_unit": "3600",
            },
            {
                "kind": "canary",
                "canary_by": "count",
                "canary_count": 3,
                "canary_gate": "automatic",
                "canary_soak_seconds": 5400,
            },
            [("Canary", 3, "canary"), ("The rest", 17, "")],
            id="canary by number, soaked",
        ),
        pytest.param(
            {"kind": "rolling", "batch_percent": "40 %", "batch_delay": "10"},
            {"kind": "rolling", "batch_percent": "40", "batch_delay_seconds": 600},
            [("Batch 1", 8, "batch"), ("Batch 2", 8, "batch"), ("Batch 3", 4, "")],
            id="rolling by percentage, with a pause",
        ),
        pytest.param(
            {"kind": "rolling", "batch_by": "size", "batch_size": "12", "batch_gate": "manual"},
            {"kind": "rolling", "batch_by": "size", "batch_size": 12, "batch_gate": "manual"},
            [("Batch 1", 12, "batch"), ("Batch 2", 8, "")],
            id="rolling by number, approved by hand",
        ),
        pytest.param(
            {
                "kind": "canary_rolling",
                "canary_by": "count",
                "canary_count": "1",
                "batch_by": "sizes",
                "batch_sizes": "4, 50 %, rest",
            },
            {
                "kind": "canary_rolling",
                "canary_by": "count",
                "batch_by": "sizes",
                "batch_sizes": "4, 50 %, rest",
            },
            [
                ("Canary", 1, "canary"),
                ("Batch 1", 4, "batch"),
                ("Batch 2", 10, "batch"),
                ("Batch 3", 5, ""),
            ],
            id="canary, then sizes of their own",
        ),
    ],
)
def test_a_strategy_goes_from_the_page_to_the_frozen_batches(browser, answers, kept, batches):
    draft = a_draft()
    answer = browser.post(step_url(draft), {**USUAL, **answers})
    assert answer.url == step_url(draft, 5)
    assert stored(draft) == kept
    browser.post(answer.url, {"go": "ready"})
    frozen = draft.batches.values_list("name", "size", "gate")
    assert list(frozen) == batches


def test_limits_are_kept_in_seconds_and_as_they_were_meant(browser):
    draft = a_draft(1)
    answers = {
        "kind": "immediate",
        "max_failures": " 2,5 % ",
        "install_timeout": "1.5",
        "install_timeout_unit": "60",
        "offline": "move_on",
        "offline_after": "2",
        "offline_after_unit": "3600",
        "offline_wait": "3",
        "offline_wait_unit": "86400",
        "retry_failed": "1",
        "retry_rejected": "2",
        "retry_timed_out": "3",
        "retry_unreachable": "4",
        "retry_drifted": "5",
        "rollback_percent": "2,25",
        "rollback_count": "0",
        "rollback_min_released": "20",
    }
    browser.post(step_url(draft), answers)
    assert stored(draft) == {
        "max_failures": "2.5 %",
        "install_timeout_seconds": 90,
        "offline": "move_on",
        "offline_after_seconds": 7200,
        "offline_wait_seconds": 259_200,
        "retry_failed": 1,
        "retry_rejected": 2,
        "retry_timed_out": 3,
        "retry_unreachable": 4,
        "retry_drifted": 5,
        "rollback_percent": "2.25",
        "rollback_count": 0,
        "rollback_min_released": 20,
    }


def test_what_is_stored_comes_back_as_it_was_typed_and_a_second_save_changes_nothing(browser):
    draft = a_draft(2, kind="rolling", batch_delay_seconds=5400, rollback_percent="2.50")
    text = browser.get(step_url(draft)).content.decode()
    assert 'name="batch_delay" value="90"' in text
    assert 'name="rollback_percent" value="2.50"' in text
    form = browser.get(step_url(draft)).context["form"]
    before = draft.strategy
    browser.post(step_url(draft), {name: form[name].value() for name in form.fields})
    draft.refresh_from_db()
    assert draft.strategy == before


# Mistakes


@pytest.mark.parametrize(
    ("kind", "changes", "field", "sentence"),
    [
        ("immediate", {"max_failures": "-1"}, "max_failures", "It must be a whole number like 5"),
        ("immediate", {"max_failures": "some"}, "max_failures", "It must be a whole number like"),
        ("immediate", {"max_failures": "101 %"}, "max_failures", "It must not be over 100 %."),
        ("immediate", {"install_timeout": "0"}, "install_timeout", "between 10 seconds and 7 days"),
        ("immediate", {"install_timeout": "nan"}, "install_timeout", "It must be a number"),
        ("immediate", {"install_timeout": "1e308"}, "install_timeout", "It must be a number"),
        ("immediate", {"install_timeout_unit": "7"}, "install_timeout", "It must be a number"),
        ("immediate", {"offline_wait": "9" * 60}, "offline_wait", "10 seconds and 90 days"),
        ("immediate", {"retry_failed": "11"}, "retry_failed", "It must be between 0 and 10."),
        ("immediate", {"rollback_percent": "100"}, "rollback_percent", "can never be exceeded"),
        ("immediate", {"rollback_count": "x"}, "rollback_count", "It must be a whole number."),
        (
            "immediate",
            {"offline": "move_on", "offline_after": "9", "offline_after_unit": "86400"},
            "offline_after",
            "It must be shorter than the time until it is given up.",
        ),
        ("canary", {"canary_percent": "0"}, "canary_percent", "between 0.01 and 100"),
        ("canary", {"canary_by": "count", "canary_count": ""}, "canary_count", "a whole number"),
        ("canary", {"canary_by": "labels"}, "canary_labels", "a label expression that matches"),
        ("canary", {"canary_by": "luck"}, "canary_by", "It must be one of percent, count"),
        (
            "canary",
            {"canary_gate": "automatic", "canary_soak": "31", "canary_soak_unit": "86400"},
            "canary_soak",
            "0 seconds and 30 days",
        ),
        ("rolling", {"batch_by": "sizes", "batch_sizes": "1, many"}, "batch_sizes", "It must be a"),
        ("rolling", {"order": "label"}, "order_label", "It must name the label"),
        ("rolling", {"batch_percent": "1\x00"}, "batch_percent", "Null characters"),
    ],
)
def test_a_mistake_is_told_beside_its_field_which_has_the_focus(
    browser, kind, changes, field, sentence
):
    draft = a_draft(1)
    before = dict(draft.strategy)
    page = browser.post(step_url(draft), {"kind": kind, **changes})
    text = " ".join(page.content.decode().split())
    assert page.context["failed"]
    assert sentence in error_at(page, field).replace("&quot;", '"')
    focused = re.findall(r"<input[^>]*autofocus[^>]*>", text)
    assert {re.search(r'name="(\w+)"', one)[1] for one in focused} == {field}
    assert any(f"id_{field}_error" in one for one in re.findall(r'describedby="([^"]*)"', text))
    draft.refresh_from_db()
    assert draft.strategy == before


def test_nothing_typed_is_lost_by_a_mistake_and_only_the_first_one_is_focused(browser):
    draft = a_draft(1)
    answers = {
        "kind": "canary",
        "canary_percent": "ten",
        "canary_gate": "automatic",
        "canary_soak": "45",
        "canary_soak_unit": "3600",
        "rollback_percent": "100",
    }
    page = browser.post(step_url(draft), answers)
    text = " ".join(page.content.decode().split())
    assert error_at(page, "canary_percent")
    assert error_at(page, "rollback_percent")
    assert len(re.findall(r"<input[^>]*autofocus", text)) == 1
    for name, value in (("canary_percent", "ten"), ("canary_soak", "45")):
        assert f'name="{name}" value="{value}"' in text
    assert '<option value="3600" selected>hours</option>' in text
    assert re.search(r'name="canary_gate" value="automatic"[^>]* checked', text)


def test_an_unknown_strategy_is_refused(browser):
    draft = a_draft(1)
    page = browser.post(step_url(draft), {"kind": "sudden"})
    assert "It must be one of immediate" in page.content.decode()
    assert stored(draft) == {}


@pytest.mark.parametrize(
    "unseen",
    [
        {"canary_percent": "ten"},
        {"batch_delay": "-5"},
        {"order": "label"},
        {"canary_by": "luck"},
        {"offline_after": "soon"},
    ],
)
def test_a_mistake_in_what_the_strategy_does_not_show_is_no_mistake(browser, unseen):
    draft = a_draft(1)
    answer = browser.post(step_url(draft), {"kind": "immediate", **unseen})
    assert answer.status_code == 302
    assert stored(draft) == {}


def test_what_is_right_but_not_shown_is_kept_for_later(browser):
    draft = a_draft(1)
    browser.post(step_url(draft), {"kind": "immediate", "canary_percent": "7"})
    assert stored(draft) == {"canary_percent": "7"}


def test_who_fails_late_devices_after_days_does_not_lose_them_to_a_limit_that_is_not_shown(browser):
    draft = a_draft(1)
    late = {"offline": "fail", "offline_after": "3", "offline_after_unit": "86400"}
    browser.post(step_url(draft), {"kind": "immediate", **late})
    assert (
        stored(draft)["offline_wait_seconds"] == stored(draft)["offline_after_seconds"] == 259_200
    )


# What is folded away


@pytest.mark.parametrize(
    ("rules", "unfolded"),
    [
        ({}, False),
        ({"kind": "canary_rolling", "canary_percent": "5", "batch_gate": "manual"}, False),
        ({"max_failures": 1}, True),
        ({"offline": "fail"}, True),
        ({"retry_drifted": 1}, True),
        ({"rollback_count": 0}, True),
        ({"install_timeout_seconds": 1801}, True),
    ],
)
def test_limits_are_unfolded_when_something_in_them_was_changed(browser, rules, unfolded):
    text = browser.get(step_url(a_draft(1, **rules))).content.decode()
    assert ('<details class="card fold limits" open>' in text) == unfolded


def test_limits_are_unfolded_when_something_in_them_is_wrong(browser):
    page = browser.post(step_url(a_draft(1)), {"kind": "immediate", "retry_failed": "often"})
    assert '<details class="card fold limits" open>' in page.content.decode()


def test_every_field_has_a_label_or_a_name(browser):
    text = browser.get(step_url(a_draft(1))).content.decode()
    inputs = re.findall(r"<(?:input|select)\b[^>]*>", text)
    visible = [one for one in inputs if 'type="hidden"' not in one]
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', text))
    for one in visible:
        name = re.search(r'\bid="([^"]+)"', one)
        assert "aria-label=" in one or (name and name[1] in labelled), one
    assert len(visible) > 40
