"""The wizard: five steps whose memory is the draft, good answers and bad ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications.models import ApplicationVersion
from deployments import drafting
from deployments.models import Deployment, Instance
from devices.models import DeviceGroup
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db
NEW = "/deployments/deployment/new/"


@pytest.fixture
def browser():
    return cast.sign_in(cast.operator())


def step_url(draft: Deployment, number: int) -> str:
    return reverse("admin:deployments_deployment_step", args=[draft.pk, number])


def page_url(draft: Deployment) -> str:
    return reverse("admin:deployments_deployment_page", args=[draft.pk])


def choice(version: ApplicationVersion) -> str:
    return f"{version.pk}:compose"


def draft_at(number: int, devices=(), version=None) -> Deployment:
    """A draft that has reached this step."""
    draft = plant.a_draft(list(devices), version)
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=number)
    draft.refresh_from_db()
    return draft


def stored(draft: Deployment) -> Deployment:
    draft.refresh_from_db()
    return draft


def text_of(page) -> str:
    """The page with each run of white space as one space."""
    return " ".join(page.content.decode().split())


# Step 1


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


# Step 2


def test_ticks_on_other_pages_are_kept_when_one_page_is_saved(browser):
    first, second, third = (plant.a_device() for _ in range(3))
    draft = draft_at(2, [first, second])
    browser.post(step_url(draft, 2), {"shown": [second.pk, third.pk], "ids": third.pk})
    assert stored(draft).targeting["ids"] == [first.pk, third.pk]


def test_all_that_match_a_search_are_ticked_at_once(browser):
    wanted = [plant.a_device(path=f"press-{number}") for number in range(30)]
    other = plant.a_device(path="mixer")
    draft = draft_at(2, [other])
    answer = browser.post(step_url(draft, 2), {"q": "press", "go": "all"})
    assert sorted(stored(draft).targeting["ids"]) == sorted(
        device.pk for device in [*wanted, other]
    )
    assert "q=press" in answer.url
    browser.post(step_url(draft, 2), {"q": "press", "go": "none"})
    assert stored(draft).targeting["ids"] == [other.pk]


def test_groups_labels_and_ticks_add_up(browser):
    by_hand, by_group = plant.a_device(), plant.a_device()
    plant.a_device(site="berlin")
    group = DeviceGroup.objects.create(name="Line 4", created_at=plant.NOON)
    group.members.add(by_group)
    draft = draft_at(2)
    form = {
        "shown": [by_hand.pk],
        "ids": [by_hand.pk],
        "groups": [group.pk],
        "labels": "site=berlin",
        "go": "update",
    }
    answer = browser.post(step_url(draft, 2), form)
    text = browser.get(answer.url).content.decode()
    assert "<strong>3</strong> devices chosen" in text
    assert "3 can run it" in text


def test_who_does_not_fit_is_named_with_the_reason_and_can_be_left_out(browser):
    good, small = plant.a_device(), plant.a_device(path="tiny", memory="512Mi")
    draft = draft_at(2, [good, small])
    text = browser.get(step_url(draft, 2)).content.decode()
    assert "1 cannot, and will be skipped" in text
    assert "needs 1 GiB of memory, the device reports 512 MiB" in text
    form = {"shown": [good.pk, small.pk], "ids": [good.pk, small.pk], "go": "without-misfits"}
    browser.post(step_url(draft, 2), form)
    assert stored(draft).targeting["excluded"] == [small.pk]
    browser.post(step_url(draft, 2), {**form, "go": "without-nobody"})
    assert stored(draft).targeting["excluded"] == []


def test_who_is_busy_is_named_with_the_deployment_and_can_be_left_out(browser):
    version, busy, free = plant.a_version(), plant.a_device(), plant.a_device()
    plant.a_rollout([busy], version)
    draft = draft_at(2, [busy, free], version)
    text = browser.get(step_url(draft, 2)).content.decode()
    assert "1 busy with another deployment" in text
    form = {"shown": [busy.pk, free.pk], "ids": [busy.pk, free.pk], "go": "without-busy"}
    browser.post(step_url(draft, 2), form)
    assert stored(draft).targeting["excluded"] == [busy.pk]


def test_leaving_busy_ones_out_spares_a_device_of_the_same_name(browser):
    version = plant.a_version()
    busy = plant.a_device(plant.a_client("one"), "pump")
    namesake = plant.a_device(plant.a_client("two"), "pump")
    plant.a_rollout([busy], version)
    draft = draft_at(2, [busy, namesake], version)
    form = {"shown": [busy.pk], "ids": [busy.pk], "go": "without-busy"}
    browser.post(step_url(draft, 2), form)
    assert stored(draft).targeting["excluded"] == [busy.pk]


@pytest.mark.parametrize("labels", ["site=(", "a," * 1100], ids=["unreadable", "too long"])
def test_a_label_expression_that_cannot_be_read_is_told_beside_it_and_nothing_is_lost(
    browser, labels
):
    device = plant.a_device()
    draft = draft_at(2)
    form = {"shown": device.pk, "ids": device.pk, "labels": labels, "go": "next"}
    page = browser.post(step_url(draft, 2), form)
    text = text_of(page)
    assert page.context["failed"]
    assert 'id="labels-error"' in text
    assert f'value="{labels}"' in text
    assert f'id="device-{device.pk}" checked' in text
    assert stored(draft).targeting == {"ids": []}


def test_no_device_at_all_does_not_lead_on(browser):
    draft = draft_at(2)
    page = browser.post(step_url(draft, 2), {"go": "next"})
    assert page.context["failed"]
    assert "Choose at least one device" in page.content.decode()
    assert browser.post(step_url(draft, 2), {"go": "back"}).url == step_url(draft, 1)


def test_the_live_count_judges_an_unsaved_form_and_saves_nothing(browser):
    device = plant.a_device()
    draft = draft_at(2)
    url = reverse("admin:deployments_deployment_fit", args=[draft.pk])
    seen = browser.post(url, {"shown": device.pk, "ids": device.pk}).json()
    assert seen["total"] == 1
    assert "1 can run it" in seen["html"]
    assert stored(draft).targeting == {"ids": []}


def test_the_devices_step_costs_the_same_for_more_devices(browser):
    version = plant.a_version()
    draft = draft_at(2, [plant.a_device(), plant.a_device()], version)
    counts = []
    for more in (0, 20):
        devices = [plant.a_device() for _ in range(more)]
        Deployment.objects.filter(pk=draft.pk).update(
            targeting={"ids": [*stored(draft).targeting["ids"], *(one.pk for one in devices)]}
        )
        with CaptureQueriesContext(connection) as seen:
            browser.get(step_url(draft, 2))
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_pasted_list_ticks_its_devices_and_names_those_nobody_knows(browser):
    known = [plant.a_device() for _ in range(4)]
    draft = draft_at(2, known[:1])
    pasted = f"{known[3].path}, {known[1].path};<b>\r\n\t{known[3].path}\nghost"
    answer = browser.post(
        step_url(draft, 2),
        {"go": "paste", "pasted": pasted, "shown": [known[0].pk], "ids": [known[0].pk]},
        follow=True,
    )
    ids = [known[0].pk, known[3].pk, known[1].pk]
    assert stored(draft).targeting["ids"] == ids
    assert "Ticked 2 devices of the list." in text_of(answer)
    assert "There is no such device: &lt;b&gt;, ghost." in text_of(answer)


def test_a_pasted_id_means_the_devices_of_all_clients_that_have_it(browser):
    here, there = (plant.a_device(path="press/1") for _ in range(2))
    draft = draft_at(2)
    browser.post(step_url(draft, 2), {"go": "paste", "pasted": "press/1"})
    assert set(stored(draft).targeting["ids"]) == {here.pk, there.pk}


def test_an_empty_list_is_refused_with_a_sentence(browser):
    plant.a_device()
    answer = browser.post(step_url(draft_at(2), 2), {"go": "paste", "pasted": " , "}, follow=True)
    assert "The list is empty" in text_of(answer)


# Step 3


def with_schema(**schema: object) -> ApplicationVersion:
    return plant.a_version(schemas={"turns": {"dataType": "integer", "maxValue": 100, **schema}})


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        pytest.param("20", {"speed": 20}, id="another value"),
        pytest.param("10", {}, id="the default is not a given value"),
        pytest.param(" 7 ", {"speed": 7}, id="spaces around a number"),
    ],
)
def test_parameters_are_kept_as_far_as_they_differ_from_the_package(browser, answer, given):
    draft = draft_at(3, [plant.a_device()])
    assert browser.post(step_url(draft, 3), {"p-speed": answer}).url == step_url(draft, 4)
    assert stored(draft).parameters == given


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param("101", "Speed must be at most 100.", id="over the limit"),
        pytest.param("fast", "Speed must be a whole number.", id="no number"),
        pytest.param("", "Speed must not be empty.", id="empty"),
        pytest.param("1" * 400, "Speed must be a whole number.", id="absurd"),
    ],
)
def test_a_bad_parameter_is_told_beside_its_field_and_nothing_is_saved(browser, answer, sentence):
    draft = draft_at(3, [plant.a_device()])
    page = browser.post(step_url(draft, 3), {"p-speed": answer})
    text = page.content.decode()
    assert page.context["failed"]
    assert f'<p class="error" id="id_p-speed_error">{sentence}</p>' in text
    assert f'name="p-speed" value="{answer}"' in text or not answer
    assert stored(draft).parameters == {}


def test_limits_default_and_help_stand_beside_the_field(browser):
    draft = draft_at(3, [plant.a_device()])
    text = browser.get(step_url(draft, 3)).content.decode()
    assert "Turns a minute" in text
    assert "At most 100 · default: 10" in text


def test_a_package_without_settings_says_so_and_leads_on(browser):
    version = plant.a_version(sections=[], schemas={})
    draft = draft_at(3, [plant.a_device()], version)
    assert "Nothing to set" in browser.get(step_url(draft, 3)).content.decode()
    assert browser.post(step_url(draft, 3), {}).url == step_url(draft, 4)


def test_a_secret_is_never_shown_again_and_kept_when_left_empty(browser):
    targets = [{"pointer": "PASSWORD", "components": ["controller"]}]
    setting = {"parameter": "db_password", "name": "Password", "description": "", "schema": "text"}
    version = plant.a_version(
        parameters={"db_password": {"value": "from the package", "targets": targets}},
        sections=[{"name": "Database", "settings": [setting]}],
        schemas={"text": {"dataType": "string"}},
    )
    draft = draft_at(3, [plant.a_device()], version)
    browser.post(step_url(draft, 3), {"p-db_password": "hunter2"})
    assert stored(draft).parameters == {"db_password": "hunter2"}
    pages = [step_url(draft, 3), step_url(draft, 4), page_url(draft)]
    assert not any("hunter2" in browser.get(url).content.decode() for url in pages)
    answer = browser.post(step_url(draft, 3), {"p-db_password": ""})
    assert answer.url == step_url(draft, 4)
    assert stored(draft).parameters == {"db_password": "hunter2"}


# Step 5


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


# Leaving, coming back, and who may


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
