"""The wizard: five steps whose memory is the draft, taken in order, left and come back to."""

import pytest
from django.urls import reverse

from applications.models import ApplicationVersion
from deployments import drafting
from deployments.models import Deployment, Instance
from devices.models import DeviceGroup
from tests import cast
from tests.deployments import plant
from tests.deployments.wizard import NEW, choice, draft_at, page_url, step_url, stored, text_of

pytestmark = pytest.mark.django_db


def test_from_the_list_to_a_running_deployment_without_a_script(browser):
    version, device = plant.a_version(), plant.a_device()
    assert "Mixer" in browser.get(NEW).content.decode()
    answer = browser.post(NEW, {"choice": choice(version), "name": "First rollout"})
    draft = Deployment.objects.get(name="First rollout")
    assert answer.url == step_url(draft, 2)
    answer = browser.post(answer.url, {"shown": device.pk, "ids": device.pk, "go": "next"})
    assert answer.url == step_url(draft, 3)
    answer = browser.post(answer.url, {"p-speed": "20"})
    assert answer.url == step_url(draft, 4)
    answer = browser.post(answer.url, {"kind": "immediate"})
    assert answer.url == step_url(draft, 5)
    assert device.path in browser.get(answer.url).content.decode()
    answer = browser.post(answer.url, {"go": "start"})
    assert answer.url == page_url(draft)
    assert stored(draft).stage == "rolling"
    assert Instance.objects.get(deployment=draft).device == device


def test_a_version_given_in_the_address_is_the_only_one_offered_and_chosen(browser):
    version = plant.a_version()
    plant.a_version(app_id="press")
    text = text_of(browser.get(f"{NEW}?version={version.pk}"))
    assert "Press" not in text
    assert f'value="{choice(version)}" id="choice-1" checked' in text


def test_a_group_given_in_the_address_is_chosen_after_the_first_step(browser):
    group = DeviceGroup.objects.create(name="Line 4", created_at=plant.NOON)
    version = plant.a_version()
    assert "Line 4" in browser.get(f"{NEW}?group={group.pk}").content.decode()
    browser.post(NEW, {"choice": choice(version), "group": group.pk})
    assert Deployment.objects.get().targeting == {"groups": [group.pk]}


def test_the_name_is_that_of_the_version_unless_given(browser):
    browser.post(NEW, {"choice": choice(plant.a_version())})
    assert Deployment.objects.get().name == "Mixer 1.0.0"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param({}, "Choose a version", id="nothing chosen"),
        pytest.param({"choice": "77:compose"}, "Choose a version", id="unknown version"),
        pytest.param({"choice": "x"}, "Choose a version", id="nonsense"),
        pytest.param({"choice": "{pk}:nope"}, "has no profile nope", id="unknown profile"),
        pytest.param(
            {"choice": "{pk}:compose", "name": "x" * 201}, "at most 200 characters", id="long name"
        ),
    ],
)
def test_a_bad_first_step_makes_no_draft_and_says_why(browser, answer, sentence):
    pk = plant.a_version().pk
    filled = {name: value.replace("{pk}", str(pk)) for name, value in answer.items()}
    page = browser.post(NEW, filled)
    assert page.context["failed"]
    assert sentence in page.content.decode()
    assert not Deployment.objects.exists()


def test_a_deprecated_version_is_neither_offered_nor_taken(browser):
    version = plant.a_version()
    ApplicationVersion.objects.filter(pk=version.pk).update(state="deprecated")
    assert "There is no application to deploy yet" in browser.get(NEW).content.decode()
    page = browser.post(NEW, {"choice": choice(version)})
    assert "is deprecated" in page.content.decode()


def test_an_unusable_profile_is_shown_with_its_reason_and_cannot_be_picked(browser):
    version = plant.a_version()
    profiles = [{**version.profiles[0], "problem": "No component has a repository."}]
    ApplicationVersion.objects.filter(pk=version.pk).update(profiles=profiles)
    text = browser.get(NEW).content.decode()
    assert "No component has a repository." in text
    assert "disabled" in text


def test_the_review_shows_the_plan_the_parameters_and_what_speaks_against_it(browser):
    good, small = plant.a_device(path="good"), plant.a_device(path="tiny", memory="512Mi")
    draft = draft_at(5, [good, small])
    text = browser.get(step_url(draft, 5)).content.decode()
    for words in ("All devices", "at once", "1 of 2 devices", "Speed", "Start now"):
        assert words in text
    assert "1 device cannot run it and will be skipped." in text


def test_save_for_later_makes_it_ready_and_touches_no_device(browser):
    draft = draft_at(5, [plant.a_device()])
    assert browser.post(step_url(draft, 5), {"go": "ready"}).url == page_url(draft)
    assert stored(draft).stage == "ready"
    assert not Instance.objects.filter(deployment=draft, holds=True).exists()


def test_save_draft_keeps_it_a_draft(browser):
    draft = draft_at(5, [plant.a_device()])
    assert browser.post(step_url(draft, 5), {"go": "draft"}).url == page_url(draft)
    assert stored(draft).stage == "draft"


def test_a_plan_that_cannot_start_says_why_and_is_not_started(browser):
    draft = draft_at(5, [plant.a_device(memory="512Mi")])
    text = browser.get(step_url(draft, 5)).content.decode()
    assert "None of the 1 device can run it" in text
    page = browser.post(step_url(draft, 5), {"go": "start"})
    assert page.context["failed"]
    assert stored(draft).stage == "draft"


def test_one_can_leave_and_come_back_to_the_step_one_had_reached(browser):
    draft = draft_at(2, [plant.a_device()])
    assert browser.post(step_url(draft, 2), {"go": "draft"}).url == page_url(draft)
    assert step_url(draft, 3) in browser.get(page_url(draft)).content.decode()


def test_a_step_that_is_not_reached_yet_leads_to_the_one_that_is(browser):
    draft = draft_at(2)
    assert browser.get(step_url(draft, 5)).url == step_url(draft, 2)


def test_going_back_and_forth_loses_nothing(browser):
    device = plant.a_device()
    draft = draft_at(5, [device])
    browser.post(step_url(draft, 3), {"p-speed": "33", "go": "back"})
    form = {"shown": device.pk, "ids": device.pk, "go": "5"}
    assert browser.post(step_url(draft, 2), form).url == step_url(draft, 5)
    assert "33" in browser.get(step_url(draft, 3)).content.decode()
    assert stored(draft).wizard_step == 5


def test_another_version_later_keeps_the_parameters_it_knows(browser):
    draft = draft_at(5, [plant.a_device()])
    browser.post(step_url(draft, 3), {"p-speed": "33"})
    newer = plant.a_version("2.0.0")
    browser.post(step_url(draft, 1), {"choice": choice(newer), "name": "Renamed"})
    assert stored(draft).version == newer
    assert draft.parameters == {"speed": 33}
    assert draft.name == "Renamed"


def test_what_is_no_draft_any_more_cannot_be_edited(browser):
    deployment = plant.a_ready_deployment([plant.a_device()])
    answer = browser.post(step_url(deployment, 3), {"p-speed": "20"}, follow=True)
    assert "choose Edit to change it" in answer.content.decode()
    assert stored(deployment).parameters == {}


def test_a_draft_changed_in_another_window_is_not_overwritten(browser, monkeypatch):
    draft = draft_at(3, [plant.a_device()])
    real = drafting.set_parameters

    def late(deployment, given, **rest):
        Deployment.objects.filter(pk=deployment.pk).update(edits=99)
        real(deployment, given, **rest)

    monkeypatch.setattr(drafting, "set_parameters", late)
    page = browser.post(step_url(draft, 3), {"p-speed": "20"})
    assert "changed in another window" in page.content.decode()
    assert stored(draft).parameters == {}


@pytest.mark.parametrize(
    ("who", "new", "step"),
    [
        pytest.param(cast.viewer, 403, 403, id="viewer"),
        pytest.param(cast.operator, 200, 200, id="operator"),
        pytest.param(cast.admin, 200, 200, id="admin"),
        pytest.param(lambda: cast.person(None), 302, 302, id="nobody"),
    ],
)
def test_who_may_use_the_wizard(who, new, step):
    draft, browser = draft_at(5, [plant.a_device()]), cast.sign_in(who())
    assert browser.get(NEW).status_code == new
    for number in range(1, 6):
        assert browser.get(step_url(draft, number)).status_code == step
    url = reverse("admin:deployments_deployment_fit", args=[draft.pk])
    assert browser.get(url).status_code == step


def test_the_stock_add_page_is_the_wizard(browser):
    assert "New deployment" in browser.get("/deployments/deployment/add/").content.decode()


def test_a_step_or_a_draft_that_does_not_exist_is_not_found(browser):
    assert browser.get(step_url(draft_at(5), 6)).status_code == 404
    assert browser.get("/deployments/deployment/4711/step/1/").status_code == 404
