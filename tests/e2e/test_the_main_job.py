"""The main job, end to end: a package, a wizard, a fleet that speaks the protocol, a live page."""

import shutil
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from devices.simulator import journal
from tests.e2e.browsing import chromium, type_in
from tests.e2e.running import ROOT, portal, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DEVICES = 20
#: The aim; a shared machine may take four times as long.
AIM_SECONDS = 30
PATIENCE = 4


class Watched:
    """A browser window that notes what a plant without internet would trip over."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.here = urlsplit(url).netloc
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self._note_request(request.url))
        self.page.on("websocket", lambda socket: self._note_request(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def _note_request(self, url: str) -> None:
        if urlsplit(url).scheme not in {"data", "blob"} and urlsplit(url).netloc != self.here:
            self.foreign.append(url)


def import_package(page: Page, archive: str) -> None:
    page.get_by_role("link", name="Applications").first.click()
    page.get_by_role("link", name="Import a package").first.click()
    page.locator("input[type=file]").set_input_files(archive)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Node-RED")


def through_the_wizard(page: Page) -> None:
    page.get_by_role("link", name="Deployments").first.click()
    page.get_by_role("link", name="New deployment").first.click()
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=f"Tick all {DEVICES}").click()
    expect(page.get_by_role("status").first).to_contain_text(str(DEVICES))
    for _ in ("devices", "parameters"):
        page.get_by_role("button", name="Continue").click()
    page.locator(".strategy").filter(has_text="Immediate").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text(f"{DEVICES} of {DEVICES} devices get Node-RED")


def test_a_package_reaches_twenty_devices_and_the_page_shows_it_without_a_reload(tmp_path):
    package = shutil.make_archive(str(tmp_path / "node-red"), "gztar", ROOT / "examples/node-red")
    with chromium() as browser, portal(tmp_path) as running:
        running.start()
        running.start_fleet("--devices", str(DEVICES), "--poll-seconds", "2")
        until(
            lambda: running.number("SELECT count(*) FROM devices_device") == DEVICES,
            seconds=60,
            what="all devices reporting themselves",
        )
        windows = [Watched(browser.new_context(), running.url) for _ in range(2)]
        admin, operator = windows
        type_in(admin.page, running.url, "admin")
        import_package(admin.page, package)
        type_in(operator.page, running.url, "operator")
        through_the_wizard(operator.page)
        begun = time.monotonic()
        operator.page.get_by_role("button", name="Start now").click()
        operator.page.wait_for_url("**/deployment/*/**")
        operator.page.evaluate("window.sameDocument = true")
        progress = operator.page.locator("main")
        expect(progress).to_contain_text(
            f"{DEVICES} of {DEVICES} installed", timeout=AIM_SECONDS * PATIENCE * 1000
        )
        taken = time.monotonic() - begun
        expect(progress).to_contain_text("Completed")
        assert operator.page.evaluate("window.sameDocument") is True
        rows = operator.page.locator("tr[data-row]")
        expect(rows).to_have_count(DEVICES)
        expect(rows.filter(has_text="Installed")).to_have_count(DEVICES)
        assert taken < AIM_SECONDS * PATIENCE
        for window in windows:
            assert window.foreign == []
            assert window.complaints == []
        done = [(line.device, line.digest) for line in journal.installs(running.journal)]
        assert len(done) == len(set(done)) == DEVICES
