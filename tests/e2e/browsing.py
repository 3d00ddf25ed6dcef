"""A real browser for the tests that need one: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.test import Client as Session
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.running import PASSWORD

#: Where Chromium is: as the environment says, else on the path.
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser, closed at the end. Rows must be made before: Playwright runs a loop.

    The test is skipped on a machine without one, which CI does not allow.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def sign_in(context: BrowserContext, session: Session, address: str) -> None:
    """Gives the browser's pages the session of a person who has signed in."""
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": session.cookies[name].value, "url": address}])


def type_in(page: Page, address: str, name: str) -> None:
    """Signs somebody in at the portal as people do, with the password of the tests."""
    page.goto(f"{address}/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()


def mark(page: Page) -> None:
    """Remembers which document this is, for `is_marked` to find again."""
    page.evaluate("window.sameDocument = true")


def is_marked(page: Page) -> bool:
    """Whether it was not loaded again since it was marked."""
    return bool(page.evaluate("window.sameDocument === true"))
