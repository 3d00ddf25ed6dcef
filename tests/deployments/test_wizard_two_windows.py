"""Two windows on one draft: what was decided on an old page is never taken unseen."""

import re

import pytest
from django.urls import reverse

from deployments import approval, drafting, moves, submitting
from deployments.models import Deployment, Instance
from devices.models import DeviceGroup
from tests.deployments import plant

pytestmark = pytest.mark.django_db

CHANGED = "was changed in another window: reload the page to see it."


def url(draft: Deployment, number: int) -> str:
    return reverse("admin:deployments_deployment_step", args=[draft.pk, number])


def a_draft(*devices) -> Deployment:
    draft = plant.a_draft(list(devices))
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=5)
    draft.refresh_from_db()
    return draft


def hidden(page) -> dict[str, str]:
    """What the form of a page posts without being asked."""
    found = re.findall(
        r'<input type="hidden"\s+name="(edits|plan)"\s+value="(\w+)"', page.content.decode()
    )
    assert "edits" in dict(found)
    return dict(found)


def open_step(browser, draft: Deployment, number: int) -> dict[str, str]:
    return hidden(browser.get(url(draft, number)))


ANSWERS = [
    pytest.param(1, {"choice": "{version}:compose", "name": "Mine"}, id="application"),
    pytest.param(2, {"shown": "{device}", "go": "update"}, id="devices"),
    pytest.param(3, {"p-speed": "33"}, id="parameters"),
    pytest.param(
        4,
        {"kind": "canary", "canary_percent": "7"},
        id="rollout",
    ),
    pytest.param(5, {"go": "start"}, id="start"),
    pytest.param(5, {"go": "ready"}, id="save for later"),
]


@pytest.mark.parametrize(("number", "answer"), ANSWERS)
@pytest.mark.parametrize("late", [True, False], ids=["from an old page", "from a fresh page"])
def test_an_answer_is_taken_from_a_fresh_page_only(browser, number, answer, late):
    device = plant.a_device()
    draft = a_draft(device)
    filled = {
        name: value.format(version=draft.version_id, device=device.pk)
        for name, value in answer.items()
    }
    form = open_step(browser, draft, number)
    if late:
        drafting.choose_devices(draft, {"ids": [device.pk]}, actor=None, now=plant.after(60))
    before = Deployment.objects.values().get(pk=draft.pk)
    page = browser.post(url(draft, number), {**form, **filled})
    unchanged = Deployment.objects.values().get(pk=draft.pk) == before
    assert unchanged == late
    assert (page.status_code == 200) == late
    if late:
        assert CHANGED in page.content.decode()
        assert f'<a href="{url(draft, number)}">Reload this step</a>' in page.content.decode()


def test_start_never_rolls_out_a_plan_that_was_not_shown(browser):
    seen, *others = (plant.a_device() for _ in range(4))
    draft = a_draft(seen)
    review = open_step(browser, draft, 5)
    other_window = {"shown": "", "ids": [one.pk for one in others], "go": "update"}
    assert browser.post(url(draft, 2), other_window).status_code == 302
    page = browser.post(url(draft, 5), {**review, "go": "start"})
    assert CHANGED in page.content.decode()
    assert not Instance.objects.exists()
    browser.post(url(draft, 5), {**open_step(browser, draft, 5), "go": "start"})
    assert Instance.objects.filter(deployment=draft, holds=True).count() == 4


def test_what_was_typed_on_an_old_page_stays_and_is_still_refused_when_sent_again(browser):
    draft = a_draft(plant.a_device())
    form = open_step(browser, draft, 3)
    drafting.set_parameters(draft, {"speed": 5}, actor=None, now=plant.NOON)
    page = browser.post(url(draft, 3), {**form, "p-speed": "33"})
    assert 'name="p-speed" value="33"' in page.content.decode()
    page = browser.post(url(draft, 3), {**hidden(page), "p-speed": "33"})
    assert CHANGED in page.content.decode()
    draft.refresh_from_db()
    assert draft.parameters == {"speed": 5}


@pytest.mark.parametrize("edits", ["", "x", "-1", "9" * 5000, "1e3"])
def test_a_form_that_names_no_count_is_refused(browser, edits):
    draft = a_draft(plant.a_device())
    page = browser.post(url(draft, 3), {"edits": edits, "p-speed": "33"})
    assert CHANGED in page.content.decode()


def test_one_window_goes_through_all_steps_with_the_counts_of_its_pages(browser):
    device = plant.a_device()
    draft = a_draft(device)
    answers = {
        1: {"choice": f"{draft.version_id}:compose"},
        2: {"shown": device.pk, "ids": device.pk, "go": "next"},
        3: {"p-speed": "33"},
    }
    for number, answer in answers.items():
        form = open_step(browser, draft, number)
        assert browser.post(url(draft, number), {**form, **answer}).url == url(draft, number + 1)


def test_nobody_chosen_is_no_conflict_once_somebody_is(browser):
    device = plant.a_device()
    draft = a_draft()
    form = open_step(browser, draft, 2)
    page = browser.post(url(draft, 2), {**form, "go": "next"})
    assert "Choose at least one device" in page.content.decode()
    answer = {**hidden(page), "shown": device.pk, "ids": device.pk, "go": "next"}
    assert browser.post(url(draft, 2), answer).url == url(draft, 3)


def test_a_write_between_the_preview_and_the_move_is_seen_by_the_move(monkeypatch):
    draft = a_draft(plant.a_device())
    real = approval.reasons_for

    def slow(deployment, *rest, **named):
        other = Deployment.objects.get(pk=deployment.pk)
        drafting.set_parameters(other, {"speed": 99}, actor=None, now=plant.NOON)
        return real(deployment, *rest, **named)

    monkeypatch.setattr(approval, "reasons_for", slow)
    with pytest.raises(moves.MoveRefusedError, match="changed"):
        submitting.submit(draft, actor=None, now=plant.NOON, edits=draft.edits)
    assert Deployment.objects.get(pk=draft.pk).stage == "draft"
    assert not Instance.objects.exists()


def test_a_group_that_grew_after_the_review_is_not_rolled_out_unseen(browser):
    group = DeviceGroup.objects.create(name="Line 4", created_at=plant.NOON)
    group.members.add(plant.a_device())
    draft = a_draft()
    drafting.choose_devices(draft, {"groups": [group.pk]}, actor=None, now=plant.NOON)
    page = browser.get(url(draft, 5))
    form = {**hidden(page), "go": "start"}
    assert "plan" in form
    group.members.add(plant.a_device())
    page = browser.post(url(draft, 5), form)
    assert "The devices of this plan changed" in page.content.decode()
    assert not Instance.objects.exists()
    assert browser.post(url(draft, 5), {**hidden(page), "go": "start"}).status_code == 302
    assert Instance.objects.filter(deployment=draft).count() == 2
