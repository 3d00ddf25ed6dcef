"""What every page of the portal keeps to: the policy, the words, the look of states."""

import re

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.roles import Role
from tests import cast
from tests.portal.doors import SHOWN, Door, pages

INLINE = re.compile(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", re.IGNORECASE)
STOCK_WORDS = (
    "Django",
    "to change",
    "Add another",
    "View site",
    "administration",
    "Authentication and",
)


def text_of(browser: Browser, door: Door, keys: dict[str, int]) -> str:
    response = browser.get(door.address(keys))
    assert response.status_code == SHOWN
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith(("default-src 'self'", "sandbox")), door.name
    is_page = response.headers["Content-Type"].startswith("text/html")
    return response.content.decode() if is_page else ""


@pytest.mark.parametrize("role", list(Role))
def test_no_page_has_inline_style_or_script_or_words_of_the_framework(
    role: Role, keys: dict[str, int]
) -> None:
    browser = cast.sign_in(cast.person(role))

    for door in pages(role):
        text = text_of(browser, door, keys)
        assert not INLINE.findall(text), door.name
        assert not [word for word in STOCK_WORDS if word in text], door.name
        assert "alert(1)</script>" not in text, door.name


def test_the_sign_in_page_keeps_to_the_policy_too(db: None) -> None:
    response = Browser().get(reverse("admin:login"))
    text = response.content.decode()
    assert not INLINE.findall(text)
    assert "Sign in" in text
    assert not [word for word in STOCK_WORDS if word in text]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.VIEWER, ["Overview", "Deployments", "Applications", "Devices", "Groups"]),
        (
            Role.OPERATOR,
            [
                "Overview",
                "Deployments",
                "Applications",
                "Devices",
                "Groups",
                "Clients",
                "People",
                "History",
            ],
        ),
        (
            Role.ADMIN,
            [
                "Overview",
                "Deployments",
                "Applications",
                "Devices",
                "Groups",
                "Clients",
                "People",
                "Approval rules",
                "History",
            ],
        ),
    ],
)
def test_the_menu_has_what_the_person_may_see_most_used_first(
    role: Role, expected: list[str], db: None
) -> None:
    page = cast.sign_in(cast.person(role)).get(reverse("admin:index"))
    assert [entry.words for entry in page.context["menu"]] == expected
    assert [entry.words for entry in page.context["menu"] if entry.current] == ["Overview"]


def test_each_number_on_the_overview_leads_to_its_list(keys: dict[str, int]) -> None:
    browser = cast.sign_in(cast.viewer())
    overview = browser.get(reverse("admin:index")).content.decode()
    for status in ("online", "offline", "error", "pending", "unknown"):
        address = f"{reverse('admin:devices_device_changelist')}?status={status}"
        assert address in overview
        assert browser.get(address).context["cl"].result_count == 1


@pytest.mark.parametrize(
    "route",
    [
        "applications_application_changelist",
        "devices_device_changelist",
        "devices_devicegroup_changelist",
        "devices_client_changelist",
        "deployments_approvalrule_changelist",
    ],
)
def test_an_empty_list_says_what_to_do_next(route: str, admin: Browser) -> None:
    text = admin.get(reverse(f"admin:{route}")).content.decode()
    assert 'class="empty"' in text
    assert "empty-title" in text


def test_somebody_without_a_role_is_told_so_at_the_door(db: None) -> None:
    cast.person(None, "newcomer")
    answer = Browser().post(
        reverse("admin:login"), {"username": "newcomer", "password": cast.PASSWORD}
    )
    assert "This account has no role yet." in answer.content.decode()


def test_a_person_with_a_role_signs_in_without_djangos_staff_flag(db: None) -> None:
    cast.viewer()
    answer = Browser().post(
        reverse("admin:login"), {"username": "viewer", "password": cast.PASSWORD}
    )
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("admin:index")
