"""Every page there is, in a real browser: axe, console, foreign hosts and tablets.

What is visited comes from the table of doors; whoever adds a page there has it looked at here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from django.test import Client as Session
from django.urls import resolve
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.roles import Role
from tests import cast
from tests.e2e.browsing import chromium, sign_in
from tests.e2e.looking import DESK, Eye, opened
from tests.portal import visits, world
from tests.portal.doors import DOORS, GONE_ON, SHOWN
from tests.portal.visits import at

Part = Literal["button", "heading", "link", "table"]

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

#: Addresses that answer and are no pages.
NO_PAGES = {
    "applications_applicationversion_file": "a file of the package",
    "applications_icon": "a picture",
    "deployments_deployment_export": "a CSV file",
    "deployments_deployment_fit": "JSON for the wizard's script",
    "deployments_deployment_lines": "JSON for the list's script",
    "deployments_deployment_live": "JSON for the page's script",
    "deployments_deployment_page": "the address of deployments_deployment_change",
    "deployments_event_file": "a CSV file",
    "devices_devicegroup_preview": "a part of the group's page",
    "jsi18n": "a script",
}
#: Where something wrong is typed: the address, by its name, the fields by theirs, the button.
WRONG: tuple[tuple[str, dict[str, str], str], ...] = (
    ("get accounts_user_add", {}, "Make the invitation"),
    ("get applications_application_add", {}, "Import"),
    ("get auth_user_password_change person", {}, "Set the password"),
    ("get deployments_approvalrule_add", {"labels": "a b"}, "Save"),
    ("get devices_client_add", {"name": "a b"}, ""),
    ("get devices_device_change device", {"labels": "site"}, "Save labels"),
    ("get devices_devicegroup_add", {"selector": "a b"}, "Save"),
    ("get password_change", {}, "Change password"),
    ("devices_device_labels?key=site", {"labels": "="}, "Preview"),
    ("awaiting approval, before an action: schedule", {"at": ""}, "Set the time"),
    ("get deployments_deployment_new", {}, "Continue"),
    ("step 2", {"labels": "a b"}, "Continue"),
    ("step 3", {"p-speed": "500"}, "Continue"),
    ("step 4", {"max_failures": "two"}, "Continue"),
)
#: What must be there when no script runs: by the name of the page, what plays which part.
PLAIN: tuple[tuple[str, tuple[tuple[Part, str], ...]], ...] = (
    ("get index", (("heading", "Overview"),)),
    ("get deployments_deployment_changelist", (("table", ""), ("button", "Search"))),
    ("get applications_application_changelist", (("heading", "Applications"),)),
    ("get applications_applicationversion_change version", (("link", "Deploy"),)),
    ("get devices_device_changelist", (("table", ""), ("button", "Search"))),
    ("get devices_device_change device", (("button", "Save labels"),)),
    ("get devices_devicegroup_change group", (("table", ""), ("button", "Save"))),
    ("get devices_client_changelist", (("table", ""),)),
    ("get accounts_user_changelist", (("table", ""),)),
    ("get deployments_approvalrule_changelist", (("table", ""),)),
    ("get deployments_event_changelist", (("table", ""), ("button", "Search"))),
    ("rolling", (("table", ""), ("link", "Pause"), ("link", "Cancel"))),
    ("at the canary's gate", (("table", ""), ("button", "Promote Canary"))),
    ("held", (("table", ""), ("link", "Roll back"))),
    ("rolling, before an action: pause", (("button", "Pause"),)),
    *((f"step {one}", (("button", "Back"),)) for one in (2, 3, 4, 5)),
)
#: Words of something that a script was to replace.
WAITING = re.compile(r"loading|please wait|undefined|…\s*$", re.IGNORECASE)
COMPLAINTS = "main .error, main .errorlist, main [role=alert], main [aria-invalid=true]"


def addresses(keys: dict[str, int]) -> dict[str, dict[str, str]]:
    """All that an admin visits, in parts that take about a minute each."""
    table = visits.of_the_table(Role.ADMIN, keys) | visits.of_departures()
    pages = {name: where for name, where in table.items() if route_of(where) not in NO_PAGES}
    nobody = {"sign-in": at("login"), "invitation": visits.invitation("rosa")}
    return {
        "table": pages,
        "asked": visits.asked_for(keys),
        "stages": visits.of_stages(),
        "nobody": nobody,
    }


def route_of(address: str) -> str:
    return resolve(address.partition("?")[0]).url_name or ""


@pytest.fixture
def places(db: None) -> dict[str, dict[str, str]]:
    return addresses(world.make())


@pytest.fixture
def sessions(db: None) -> dict[Role, Session]:
    return {role: cast.sign_in(cast.person(role)) for role in Role}


@pytest.fixture
def browser(places: object, sessions: object) -> Iterator[Browser]:
    with chromium() as running:
        yield running


Opens = Callable[[Role | None], Eye]


@pytest.fixture
def opens(browser: Browser, sessions: dict[Role, Session], live_server: LiveServer) -> Opens:
    def opening(role: Role | None) -> Eye:
        eye = opened(browser, live_server.url)
        if role:
            sign_in(eye.page.context, sessions[role], live_server.url)
        return eye

    return opening


def test_every_door_is_visited_or_said_to_be_no_page(places: dict[str, dict[str, str]]) -> None:
    visited = {route_of(where) for part in places.values() for where in part.values()}
    doors = {
        door.route for door in DOORS if door.method == "get" and door.admin in {SHOWN, GONE_ON}
    }
    assert doors - visited == set(NO_PAGES)


@pytest.mark.parametrize("part", ["table", "asked", "stages"])
def test_nothing_is_wrong_with_a_page(
    part: str, opens: Opens, places: dict[str, dict[str, str]], live_server: LiveServer
) -> None:
    eye = opens(Role.ADMIN)
    for name, where in places[part].items():
        eye.go(f"{live_server.url}{where}")
        assert eye.page.url == f"{live_server.url}{where}", name
        eye.look(name)
    assert eye.wrong == {}


def test_nothing_is_wrong_with_a_form_that_was_refused(
    opens: Opens, places: dict[str, dict[str, str]], live_server: LiveServer
) -> None:
    eye, known = opens(Role.ADMIN), places["table"] | places["asked"] | places["stages"]
    for name, fields, words in WRONG:
        eye.go(f"{live_server.url}{known[name]}")
        refused(eye.page, fields, words)
        eye.look(name)
    assert eye.wrong == {}


def refused(page: Page, fields: dict[str, str], words: str) -> None:
    """Sends a form as it must not be; the browser, which would say so first, lets it go."""
    page.evaluate("for (const one of document.forms) one.noValidate = true")
    for field, value in fields.items():
        page.locator(f"main [name={field}]").first.evaluate("(one, to) => one.value = to", value)
    button = page.locator("main").get_by_role("button", name=words or None, exact=bool(words))
    button.last.click()
    expect(page.locator(COMPLAINTS).first).to_be_attached()


def test_nothing_is_wrong_with_what_a_viewer_sees(
    opens: Opens, places: dict[str, dict[str, str]], live_server: LiveServer
) -> None:
    eye = opens(Role.VIEWER)
    for name in ("draft", "awaiting approval", "at the canary's gate", "held", "completed"):
        eye.go(f"{live_server.url}{places['stages'][name]}")
        eye.look(name)
    eye.go(f"{live_server.url}{places['table']['get devices_client_changelist']}", status=403)
    eye.look("not for the role")
    eye.go(f"{live_server.url}/nowhere/", status=404)
    eye.look("not there")
    assert eye.wrong == {}


def test_nothing_is_wrong_with_pages_of_people_who_are_not_signed_in(
    opens: Opens, places: dict[str, dict[str, str]], live_server: LiveServer
) -> None:
    eye = opens(None)
    eye.go(f"{live_server.url}{places['nobody']['sign-in']}")
    eye.look("sign-in")
    eye.page.get_by_label("Username").fill("admin")
    eye.page.get_by_label("Password").fill("wrong")
    eye.page.get_by_role("button", name="Sign in").click()
    expect(eye.page.get_by_role("alert")).to_be_visible()
    eye.look("sign-in, refused")
    eye.go(f"{live_server.url}{places['nobody']['invitation']}")
    eye.look("invitation")
    refused(eye.page, {}, "Set the password and sign in")
    eye.look("invitation, refused")
    eye.go(f"{live_server.url}{at('welcome', 'MQ', 'c7-0')}", status=410)
    eye.look("invitation that is void")
    assert eye.wrong == {}


def test_nothing_is_wrong_with_what_an_answer_shows(
    opens: Opens, places: dict[str, dict[str, str]], live_server: LiveServer
) -> None:
    eye = opens(Role.ADMIN)
    page = eye.page
    eye.go(f"{live_server.url}{places['asked']['devices_device_labels?key=site']}")
    page.locator("main [name=labels]").fill("site=rome\nline=4")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("main table")).to_be_visible()
    eye.look("labels after Preview")
    eye.go(f"{live_server.url}{places['table']['get accounts_user_add']}")
    page.get_by_label("Username").fill("ruth")
    page.get_by_label("Viewer").check()
    page.get_by_role("button", name="Make the invitation").click()
    expect(page.locator("#link")).to_be_visible()
    eye.look("shown invitation")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    eye.look("signed out")
    assert eye.wrong == {}


def test_the_main_pages_need_no_script(
    browser: Browser,
    sessions: dict[Role, Session],
    places: dict[str, dict[str, str]],
    live_server: LiveServer,
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESK)
    sign_in(context, sessions[Role.ADMIN], live_server.url)
    page, known, missing = context.new_page(), places["table"] | places["stages"], []
    for name, parts in PLAIN:
        page.goto(f"{live_server.url}{known[name]}")
        main = page.get_by_role("main")
        wanted = {
            words or part: main.get_by_role(part, name=words or None) for part, words in parts
        }
        wanted["a heading"] = page.get_by_role("heading", level=1)
        missing += [(name, words) for words, one in wanted.items() if not one.count()]
        missing += [(name, said[0]) for said in [WAITING.search(main.inner_text())] if said]
    assert missing == []
