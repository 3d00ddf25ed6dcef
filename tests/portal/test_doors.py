"""Who gets in where: a walk through every address, as each role and as nobody."""

from collections.abc import Iterator

import pytest
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.roles import Role
from tests import cast
from tests.portal import world
from tests.portal.doors import DOORS, OPEN, Door

pytestmark = pytest.mark.django_db


#: Addresses without a name, all of them Django's: an object's old address, which leads to the page
#: of it, and whatever else there might be, which is not there.
NAMELESS = {
    "accounts/user/<path:object_id>/",
    "applications/application/<path:object_id>/",
    "applications/applicationversion/<path:object_id>/",
    "deployments/approvalrule/<path:object_id>/",
    "devices/client/<path:object_id>/",
    "devices/device/<path:object_id>/",
    "devices/devicegroup/<path:object_id>/",
    "(?P<url>.*)$",
}


def routes(patterns: list[URLPattern | URLResolver], within: str = "") -> Iterator[tuple[str, str]]:
    """Every pattern, with its name."""
    for pattern in patterns:
        here = f"{within}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, here)
        else:
            yield here, pattern.name or ""


def knock(browser: Browser, door: Door, keys: dict[str, int]) -> int:
    send = browser.post if door.method == "post" else browser.get
    return send(door.address(keys)).status_code


def test_every_route_has_a_row() -> None:
    found = list(routes(get_resolver().url_patterns))
    assert {name for _, name in found if name} == {door.route for door in DOORS}
    assert {pattern for pattern, name in found if not name} == NAMELESS


@pytest.mark.parametrize("role", list(Role))
def test_each_door_answers_each_role_as_the_table_says(role: Role) -> None:
    keys = world.make()
    person = cast.person(role)

    answers = {}
    for door in DOORS:
        answers[door.name] = knock(cast.sign_in(person), door, keys)

    assert answers == {door.name: getattr(door, role.value) for door in DOORS}


@pytest.mark.parametrize("somebody", ["without a role", "not signed in", "deactivated"])
def test_nobody_else_gets_in(somebody: str) -> None:
    keys = world.make()
    browser = Browser()
    if somebody == "without a role":
        browser = cast.sign_in(cast.person(None))
    elif somebody == "deactivated":
        admin = cast.admin()
        browser = cast.sign_in(admin)
        admin.is_active = False
        admin.save(update_fields=["is_active"])

    answers = {door.name: knock(browser, door, keys) for door in DOORS if door.route not in OPEN}

    assert set(answers.values()) == {302}
