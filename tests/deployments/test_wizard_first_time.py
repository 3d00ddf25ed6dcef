"""The wizard for somebody who has never seen it: what it suggests, explains and warns of."""

import re

import pytest
from django.urls import reverse

from deployments import drafting, submitting
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    return cast.sign_in(cast.operator())


def begun(*devices) -> Deployment:
    """A draft whose strategy nobody has chosen yet."""
    draft = drafting.create(
        version=plant.a_version(),
        profile_id="compose",
        name="Mine",
        actor=None,
        now=plant.NOON,
        targeting={"ids": [device.pk for device in devices]},
    )
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=drafting.ROLLOUT)
    return draft


def step_url(draft: Deployment, number: int) -> str:
    return reverse("admin:deployments_deployment_step", args=[draft.pk, number])


def text_of(page) -> str:
    """The page with each run of white space as one space."""
    return " ".join(page.content.decode().split())


def ticked(page, name: str) -> list[str]:
    """The radio buttons of this name that are chosen."""
    buttons = re.findall(rf'<input type="radio" name="{name}" value="(\w+)"([^>]*)>', text_of(page))
    return [value for value, rest in buttons if "checked" in rest]


# The strategy


@pytest.mark.parametrize(("number", "kind"), [(1, "immediate"), (2, "canary"), (11, "canary")])
def test_a_canary_is_suggested_where_several_devices_get_it(browser, number, kind):
    draft = begun(*(plant.a_device() for _ in range(number)))
    page = browser.get(step_url(draft, 4))
    assert ticked(page, "kind") == [kind]
    assert ticked(page, "canary_gate") == ["manual"]


def test_from_start_to_end_by_continue_alone_is_a_canary_of_one_promoted_by_hand(browser):
    draft = begun(*(plant.a_device() for _ in range(11)))
    form = browser.get(step_url(draft, 4)).context["form"]
    answer = browser.post(step_url(draft, 4), {name: form[name].value() for name in form.fields})
    browser.post(answer.url, {"go": "start"})
    batches = draft.batches.values_list("name", "size", "gate")
    assert list(batches) == [("Canary", 1, "canary"), ("The rest", 10, "")]


def test_what_was_chosen_is_not_suggested_away(browser):
    draft = begun(plant.a_device(), plant.a_device())
    browser.post(step_url(draft, 4), {"kind": "immediate"})
    assert ticked(browser.get(step_url(draft, 4)), "kind") == ["immediate"]


def test_a_draft_that_nobody_asked_about_stays_immediate():
    draft = begun(plant.a_device(), plant.a_device())
    submitting.submit(draft, actor=None, now=plant.NOON)
    assert [batch.name for batch in draft.batches.all()] == ["All devices"]


@pytest.mark.parametrize(
    ("number", "rules", "caution"),
    [
        (11, {}, "All 11 devices get it at once; there is no canary."),
        (2, {}, "Both devices get it at once; there is no canary."),
        (3, {"kind": "rolling", "batch_percent": "100"}, "All 3 devices get it at once;"),
        (
            *(3, {"kind": "canary", "canary_percent": "100"}),
            "All 3 devices get it at once; the canary is all of them.",
        ),
    ],
)
def test_who_sends_it_to_all_at_once_is_told(browser, number, rules, caution):
    draft = plant.a_draft([plant.a_device() for _ in range(number)], **rules)
    assert caution in text_of(browser.get(step_url(draft, 5)))


@pytest.mark.parametrize(("number", "rules"), [(1, {}), (5, {"kind": "canary"})])
def test_one_device_and_a_canary_need_no_such_caution(browser, number, rules):
    draft = plant.a_draft([plant.a_device() for _ in range(number)], **rules)
    assert "get it at once;" not in text_of(browser.get(step_url(draft, 5)))
