"""Input that no page of the portal sends gets a sentence or an empty list, and in time."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.search import MOST_WORDS, words_of
from devices.label_limits import MOST_KEYS, MOST_VALUES
from devices.models import DeviceGroup, DeviceLabel
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db

GROUP = "/devices/devicegroup/add/"


@pytest.fixture
def browser() -> Browser:
    return cast.sign_in(cast.admin())


@pytest.mark.parametrize(
    "address",
    [
        "/deployments/deployment/",
        "/deployments/deployment/new/",
        "/devices/device/",
        "/devices/client/",
        "/devices/devicegroup/",
        "/applications/application/",
        "/applications/applicationversion/",
        "/accounts/user/",
        "/deployments/event/",
    ],
)
def test_a_search_asks_for_its_first_words_only(browser: Browser, address: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address, {"q": "flood " * 1200}).status_code == 200
    asked = max(query["sql"].count("%flood%") for query in captured)
    assert 0 < asked <= 6 * MOST_WORDS


def test_a_flood_of_words_ticks_devices_as_its_first_ten_would(browser: Browser) -> None:
    draft, device = plant.a_draft([]), plant.a_device(path="pump")
    address = f"/deployments/deployment/{draft.pk}/step/2/"
    assert browser.post(address, {"q": "pump " * 1200, "go": "all"}).status_code == 302
    draft.refresh_from_db()
    assert draft.targeting["ids"] == [device.pk]


def test_a_flood_of_words_on_a_deployment_page_is_a_search_too(browser: Browser) -> None:
    deployment = plant.a_rollout([plant.a_device()])
    address = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    assert browser.get(address, {"q": "pump " * 1200}).status_code == 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", [], id="none"),
        pytest.param("  line  4 ", ["line", "4"], id="two"),
        pytest.param("a b c d e f g h i j", list("abcdefghij"), id="ten"),
        pytest.param("a b c d e f g h i j k l", list("abcdefghij"), id="twelve"),
    ],
)
def test_the_first_ten_words_count(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize("digits", [19, 25, 5000])
@pytest.mark.parametrize(
    "noun",
    [
        "devices/device",
        "devices/client",
        "applications/application",
        "applications/applicationversion",
        "deployments/deployment",
    ],
)
def test_a_key_that_no_row_can_have_is_not_found(browser: Browser, noun: str, digits: int) -> None:
    # A stock page of the admin answers with a way back to its list.
    answer = browser.get(f"/{noun}/{'9' * digits}/change/")
    assert answer.status_code in {302, 404}


def group_form(**changes: object) -> dict[str, object]:
    return {"name": "Line 4", "description": "", "selector": "", **changes}


@pytest.mark.parametrize("member", ["abc", "9" * 25, "9" * 5000, "-1", "²", ""])
def test_a_member_that_cannot_be_is_not_preset(browser: Browser, member: str) -> None:
    assert browser.get(GROUP, {"members": member}).status_code == 200


@pytest.mark.parametrize("member", ["abc", "9" * 25, "9" * 5000, "-1", "²", "4711"])
def test_a_member_that_cannot_be_is_refused_with_a_sentence(browser: Browser, member: str) -> None:
    page = browser.post(GROUP, group_form(members=[member]))
    assert page.status_code == 200
    assert page.context["adminform"].form.errors["members"]
    assert not DeviceGroup.objects.exists()


def test_a_device_given_in_the_address_is_preset(browser: Browser) -> None:
    device = plant.a_device(path="pump-4711")
    assert "pump-4711" in browser.get(GROUP, {"members": f"{device.pk},abc"}).content.decode()


def test_a_group_of_more_than_a_thousand_picked_devices_is_saved(browser: Browser) -> None:
    devices = plant.a_fleet(1100)
    answer = browser.post(GROUP, group_form(members=[one.pk for one in devices]))
    assert answer.status_code == 302
    assert DeviceGroup.objects.get().members.count() == 1100


def assign(browser: Browser, text: str) -> HttpResponse:
    device = plant.a_device()
    return browser.post(f"/devices/device/{device.pk}/change/", {"labels": text})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "\n".join(f"k{number}=x" for number in range(MOST_KEYS + 1)),
            "Line 65: a device has at most 64 different keys.",
            id="keys",
        ),
        pytest.param(
            "\n".join(f"k=v{number}" for number in range(20_000)),
            "Line 257: a device has at most 256 labels.",
            id="values",
        ),
    ],
)
def test_too_many_labels_are_refused_with_a_sentence(
    browser: Browser, text: str, sentence: str
) -> None:
    assert sentence in assign(browser, text).content.decode()
    assert not DeviceLabel.objects.exists()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param("\n".join(f"k{n}=x" for n in range(MOST_KEYS)), MOST_KEYS, id="keys"),
        pytest.param("\n".join(f"k=v{n}" for n in range(MOST_VALUES)), MOST_VALUES, id="values"),
        pytest.param("k=v\n" * 2000, 1, id="the same one again"),
    ],
)
def test_as_many_labels_as_allowed_are_taken(browser: Browser, text: str, rows: int) -> None:
    assert assign(browser, text).status_code == 302
    assert DeviceLabel.objects.count() == rows
