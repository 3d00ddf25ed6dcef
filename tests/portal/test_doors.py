"""Who gets in where: a walk through every address, as each role and as nobody."""

from collections.abc import Iterator

import pytest
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.roles import Role
from tests import cast
from tests.portal import world
from tests.portal.doors import DOORS, OPEN, Door

pytestmark = pytest.mark.django_db


def routes(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def knock(browser: Browser, door: Door, keys: dict[str, int]) -> int:
    args = [keys.get(str(one), one) for one in door.args]
    address = reverse(f"admin:{door.route}", args=args)
    send = browser.post if door.method == "post" else browser.get
    return send(address).status_code


def test_every_route_has_a_row() -> None:
    assert set(routes(get_resolver().url_patterns)) == {door.route for door in DOORS}


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
