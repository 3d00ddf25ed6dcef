"""Every page of the portal's frame in a real browser: axe, console, foreign hosts, tablets."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client as Session
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import invitations
from accounts.roles import Role
from tests import cast
from tests.e2e.browsing import chromium, sign_in
from tests.portal import world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

#: The route, the object its address names, a query.
PAGES = (
    ("index", "", ""),
    ("applications_application_changelist", "", ""),
    ("applications_application_change", "application", ""),
    ("applications_application_changelist", "", "?tag=pumps&organization=Example"),
    ("applications_applicationversion_change", "version", ""),
    ("deprecate", "version", ""),
    ("applications_applicationversion_history", "version", ""),
    ("applications_application_add", "", ""),
    ("devices_device_changelist", "", "?status=online&labels=site%3Dberlin"),
    ("devices_device_changelist", "", "?labels=%3D"),
    ("devices_device_change", "device", ""),
    ("devices_device_changelist", "", "?key=site&value=site%3Dberlin"),
    ("devices_device_labels", "", "?key=site"),
    ("devices_device_retire", "device", ""),
    ("deployments_deployment_one_device", "workload", ""),
    ("devices_devicegroup_changelist", "", ""),
    ("devices_devicegroup_delete", "group", ""),
    ("devices_devicegroup_add", "", ""),
    ("devices_devicegroup_change", "group", ""),
    ("devices_client_changelist", "", ""),
    ("devices_client_change", "client", ""),
    ("devices_client_retire", "client", ""),
    ("devices_client_add", "", "?name=line-4"),
    ("deployments_approvalrule_changelist", "", ""),
    ("deployments_approvalrule_add", "", ""),
    ("deployments_approvalrule_change", "rule", ""),
    ("deployments_approvalrule_delete", "rule", ""),
    ("deployments_event_changelist", "", ""),
    ("deployments_event_changelist", "", "?who=engine&since=2026-01-01&q=pump"),
    ("accounts_user_changelist", "", ""),
    ("accounts_user_add", "", ""),
    ("accounts_user_change", "person", ""),
    ("auth_user_password_change", "person", ""),
    ("password_change", "", ""),
    ("profile", "", ""),
    ("welcome", "invitation", ""),
)
#: Pages whose addresses name more than one object.
LONGER = {"deprecate": ("applications_applicationversion_state", "deprecated")}


@pytest.fixture
def addresses() -> dict[str, str]:
    """The pages by their names, with something on each."""
    keys = world.make()
    return {f"{route}{query}": address(route, noun, keys) + query for route, noun, query in PAGES}


def address(route: str, noun: str, keys: dict[str, int]) -> str:
    """Where a page is."""
    if noun == "invitation":
        return urlsplit(invitations.invite(cast.invited(Role.VIEWER, "olga"))).path
    route, *more = LONGER.get(route, (route,))
    return reverse(f"admin:{route}", args=[keys[noun], *more] if noun else [])


@pytest.fixture
def admin() -> Session:
    return cast.sign_in(cast.admin())


@pytest.fixture
def browser(addresses: dict[str, str], admin: Session) -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def open_in(browser: Browser, admin: Session, live_server: LiveServer) -> "Opening":
    return Opening(browser, admin, live_server.url)


class Opening:
    """Opens pages as the admin, and remembers what the console said and who was asked."""

    def __init__(self, browser: Browser, session: Session, address: str) -> None:
        self.browser, self.session, self.address = browser, session, address
        self.complaints: list[str] = []
        self.hosts: set[str | None] = set()

    def context(self, theme: str, width: int) -> BrowserContext:
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme
        )
        sign_in(context, self.session, self.address)
        return context

    def hear(self, said: ConsoleMessage, address: str) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(f"{address}: {said.text}")

    def page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", lambda said: self.hear(said, page.url))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda asked: self.hosts.add(urlsplit(asked.url).hostname))
        return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_the_console_stays_silent(
    theme: str, open_in: Opening, addresses: dict[str, str]
) -> None:
    findings: dict[str, list[str]] = {}
    page = open_in.page(open_in.context(theme, 1366))
    for name, address in addresses.items():
        page.goto(f"{open_in.address}{address}")
        said = list(open_in.complaints)
        found = Axe().run(page).response["violations"]
        # What axe itself does to the page is no fault of the page.
        open_in.complaints[:] = said
        if found:
            findings[name] = [
                f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found
            ]

    assert findings == {}
    assert open_in.complaints == []
    assert open_in.hosts == {urlsplit(open_in.address).hostname}


def test_no_page_is_wider_than_a_tablet(open_in: Opening, addresses: dict[str, str]) -> None:
    page = open_in.page(open_in.context("light", 768))
    wide = []
    for name, address in addresses.items():
        page.goto(f"{open_in.address}{address}")
        if page.evaluate("document.documentElement.scrollWidth") > 768:
            wide.append(name)
    assert wide == []


def test_the_theme_switch_works(open_in: Opening) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(open_in.address)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator(".theme-toggle").click()
    dark = page.evaluate(paper)
    assert dark != light
    # At once: what the switch said may be on its way to the server still.
    page.reload()
    assert page.evaluate(paper) == dark


def test_the_theme_goes_with_the_person_from_browser_to_browser(open_in: Opening) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(open_in.address)
    with page.expect_response("**/profile/theme/") as kept:
        page.locator(".theme-toggle").click()
    assert kept.value.status == 204

    elsewhere = open_in.page(open_in.context("light", 1366))
    elsewhere.goto(open_in.address)
    assert elsewhere.locator("html").get_attribute("data-theme") == "dark"
    assert open_in.complaints == []


def test_the_theme_needs_no_script(open_in: Opening) -> None:
    plain = open_in.browser.new_context(java_script_enabled=False, color_scheme="light")
    sign_in(plain, open_in.session, open_in.address)
    page = plain.new_page()
    page.goto(open_in.address)
    expect(page.locator("body")).to_have_css("color-scheme", "light")

    page.get_by_role("link", name="admin", exact=True).click()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("Your profile was saved.")).to_be_visible()
    expect(page.locator("body")).to_have_css("color-scheme", "dark")


def test_a_live_part_is_put_into_the_zone_of_the_person(open_in: Opening) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(f"{open_in.address}{reverse('admin:profile')}")
    page.get_by_label("Time zone").select_option("Asia/Kathmandu")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your profile was saved.")).to_be_visible()
    page.evaluate(
        """() => {
            const part = document.createElement("div");
            part.id = "part";
            part.innerHTML = '<time class="moment" datetime="2026-09-05T03:04:05+00:00">x</time>';
            document.querySelector("main").append(part);
            window.portal.dress(part);
        }"""
    )
    told = page.locator("#part time")
    expect(told).to_have_text("5 Sep 2026, 08:49:05 GMT+5:45")
    expect(told).to_have_attribute("title", "5 Sep 2026, 08:49:05 GMT+5:45")


def test_a_selector_is_tried_while_it_is_typed(open_in: Opening, addresses: dict[str, str]) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(f"{open_in.address}{addresses['devices_devicegroup_change']}")
    page.get_by_label("Label selector").fill("site=rome")
    page.get_by_text("0 devices").wait_for()
    page.get_by_label("Label selector").fill("site=")
    page.get_by_text("Position 6").wait_for()
    assert open_in.complaints == []


def test_a_member_is_found_by_typing_and_kept(open_in: Opening, addresses: dict[str, str]) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(f"{open_in.address}{addresses['devices_devicegroup_change']}")
    page.locator(".field-members .select2-search__field").type("silent")
    page.locator(".select2-results__option", has_text="silent").first.click()
    page.get_by_role("button", name="Save").click()
    page.goto(f"{open_in.address}{addresses['devices_devicegroup_change']}")
    assert page.get_by_role("link", name="silent", exact=True).count() == 1
    assert open_in.complaints == []
