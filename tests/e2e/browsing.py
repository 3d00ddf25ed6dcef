"""A real browser for the tests that need one: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.test import Client as Session
from playwright.sync_api import Browser, BrowserContext, sync_playwright

#: Where Chromium is, unless the environment says otherwise.
CHROMIUM = os.environ.get("LINESIDE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser, closed at the end. Rows must be made before: Playwright runs a loop."""
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
