"""The wizard for somebody who has never seen it: what it suggests, explains and warns of."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from applications.models import ApplicationVersion
from deployments import drafting, submitting
from deployments.models import Deployment
from devices.models import Client, DeviceGroup
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


# The parameters


def a_setting(name: str, schema: str, **more) -> dict[str, object]:
    return {"parameter": name, "name": name.title(), "description": "", "schema": schema, **more}


def a_version_of_all_kinds() -> ApplicationVersion:
    """Settings of every kind, with help and limits, of which `site` has no default."""
    targets = [{"pointer": "X", "components": ["controller"]}]
    schemas = {
        "site": {"dataType": "string", "maxLength": 8},
        "lines": {"dataType": "string", "options": ["a", "b"], "multiselect": True},
        "speed": {"dataType": "integer", "maxValue": 100},
        "fast": {"dataType": "boolean"},
        "password": {"dataType": "string", "allowEmpty": True},
    }
    defaults = {"lines": ["a"], "speed": 10, "fast": True}
    return plant.a_version(
        parameters={
            name: {"targets": targets, **({"value": defaults[name]} if name in defaults else {})}
            for name in schemas
        },
        sections=[
            {
                "name": "All",
                "settings": [a_setting(name, name, description="Help") for name in schemas],
            }
        ],
        schemas={name: {"name": name, **schema} for name, schema in schemas.items()},
    )


def at_parameters(version: ApplicationVersion | None = None) -> Deployment:
    return plant.a_draft([plant.a_device()], version)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"site": "here"},
            "All filled in; other than the package's default: Site.",
        ),
        ({}, "Still empty, and needed: Site."),
    ],
)
def test_what_is_left_to_fill_in_is_said_above_the_parameters(browser, given, sentence):
    draft = at_parameters(a_version_of_all_kinds())
    Deployment.objects.filter(pk=draft.pk).update(parameters=given)
    assert sentence in unescape(text_of(browser.get(step_url(draft, 3))))


def test_where_the_package_fills_in_everything_one_is_told_to_continue(browser):
    draft = at_parameters()
    sentence = "All filled in with the package's defaults: continue if you have no reason"
    assert sentence in unescape(text_of(browser.get(step_url(draft, 3))))
    refused = browser.post(step_url(draft, 3), {"p-speed": "x"})
    assert sentence not in unescape(text_of(refused))


def test_a_package_without_settings_has_nothing_filled_in(browser):
    draft = at_parameters(plant.a_version(sections=[], schemas={}))
    assert "filled in" not in text_of(browser.get(step_url(draft, 3)))


def test_the_first_wrong_parameter_has_the_focus(browser):
    draft = at_parameters(a_version_of_all_kinds())
    page = browser.post(step_url(draft, 3), {"p-site": "far too long", "p-speed": "x"})
    focused = re.findall(r"<input[^>]*autofocus[^>]*>", text_of(page))
    assert [re.search(r'name="([\w-]+)"', one)[1] for one in focused] == ["p-site"]


# What describes a field


def pages_of(browser) -> Iterator[str]:
    """Every step as it is first met, and with something wrong on it."""
    draft = at_parameters(a_version_of_all_kinds())
    wrong = {
        1: {"name": "x" * 201, "choice": "x"},
        2: {"labels": "site=("},
        3: {"p-site": "far too long", "p-lines": ["c"], "p-speed": "x"},
        4: {"kind": "canary", "canary_percent": "x", "canary_by": "luck", "rollback_count": "x"},
        5: {"go": "at", "at": "soon"},
    }
    for number, answers in wrong.items():
        yield text_of(browser.get(step_url(draft, number)))
        refused = browser.post(step_url(draft, number), answers)
        assert refused.context["failed"], number
        yield text_of(refused)


def test_what_describes_or_names_something_is_there_once(browser):
    for text in pages_of(browser):
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        pointers = re.findall(r'aria-(?:describedby|labelledby)="([^"]*)"', text)
        assert {one for pointer in pointers for one in pointer.split()} <= set(ids)


def test_every_mistake_is_tied_to_its_field(browser):
    for text in pages_of(browser):
        told = re.findall(r'<p class="error"[^>]*>', text)
        described = " ".join(re.findall(r'aria-describedby="([^"]*)"', text)).split()
        assert all(re.search(r'id="([^"]+)"', one)[1] in described for one in told), told


# The devices


def test_a_device_to_choose_shows_whether_it_is_there_and_its_labels(browser):
    there = plant.a_device(path="pump-1", site="berlin")
    Client.objects.filter(pk=there.client_id).update(last_seen_at=timezone.now())
    away = plant.a_device(path="pump-2")
    Client.objects.filter(pk=away.client_id).update(last_seen_at=timezone.now() - timedelta(days=1))
    text = text_of(browser.get(step_url(begun(), 2)))
    first, second = text[text.index(">pump-1<") :].split(">pump-2<")
    assert "Online" in first
    assert '<span class="label-chip"><b>site=</b>berlin</span>' in first
    assert "Offline" in second[: second.index("</tr>")]


def test_a_group_says_how_many_devices_it_has_by_hand_and_by_label(browser):
    devices = [plant.a_device(site="berlin"), plant.a_device(site="berlin"), plant.a_device()]
    by_label = DeviceGroup.objects.create(
        name="Berlin", selector="site=berlin", created_at=plant.NOON
    )
    by_label.members.add(*devices[1:])
    DeviceGroup.objects.create(name="None", created_at=plant.NOON)
    text = text_of(browser.get(step_url(begun(), 2)))
    assert "3 devices · label site=berlin" in text
    assert "0 devices" in text


def test_more_devices_and_groups_cost_no_more_queries(browser):
    draft, counts = begun(), []
    for more in (2, 20):
        for number in range(more):
            plant.a_device(site="berlin", line=str(number))
            DeviceGroup.objects.create(
                name=f"{more}-{number}", selector=f"line={number}", created_at=plant.NOON
            )
        with CaptureQueriesContext(connection) as seen:
            browser.get(step_url(draft, 2))
        counts.append(len(seen))
    assert counts[0] == counts[1]
