"""What scripts add to the portal's frame in a real browser: themes, zones, groups that follow."""

from collections.abc import Iterator

import pytest
from django.test import Client as Session
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import cast
from tests.e2e.browsing import chromium, sign_in
from tests.portal import world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def group(db: None) -> str:
    """Where the group is changed."""
    return reverse("admin:devices_devicegroup_change", args=[world.make()["group"]])


@pytest.fixture
def admin() -> Session:
    return cast.sign_in(cast.admin())


@pytest.fixture
def browser(group: str, admin: Session) -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def open_in(browser: Browser, admin: Session, live_server: LiveServer) -> "Opening":
    return Opening(browser, admin, live_server.url)


class Opening:
    """Opens pages as the admin, and remembers what the console said."""

    def __init__(self, browser: Browser, session: Session, address: str) -> None:
        self.browser, self.session, self.address = browser, session, address
        self.complaints: list[str] = []

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
        return page


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


def test_a_selector_is_tried_while_it_is_typed(open_in: Opening, group: str) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(f"{open_in.address}{group}")
    page.get_by_label("Label selector").fill("site=rome")
    page.get_by_text("0 devices").wait_for()
    page.get_by_label("Label selector").fill("site=")
    page.get_by_text("Position 6").wait_for()
    assert open_in.complaints == []


def test_a_member_is_found_by_typing_and_kept(open_in: Opening, group: str) -> None:
    page = open_in.page(open_in.context("light", 1366))
    page.goto(f"{open_in.address}{group}")
    page.locator(".field-members .select2-search__field").type("silent")
    page.locator(".select2-results__option", has_text="silent").first.click()
    page.get_by_role("button", name="Save").click()
    page.goto(f"{open_in.address}{group}")
    assert page.get_by_role("link", name="silent", exact=True).count() == 1
    assert open_in.complaints == []
