"""A canary from the sign-in to the last device by somebody who has no mouse."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.acting import Cast, acting
from tests.e2e.browsing import chromium
from tests.e2e.running import PASSWORD, Portal, portal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: Two versions and ten devices, five of which are to get the newer one.
PLANT = """
from tests.deployments import plant
plant.a_version("1.0.0"), plant.a_version("2.0.0")
for number in range(10):
    plant.a_device(path=f"pump-{number}", site="rome" if number % 2 else "oslo")
"""
#: More stops than any page on the way has.
MOST = 150
#: What is typed while the canary goes out, and nothing else on the way.
NAME = "Without a mouse"


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("keyboard")) as made:
        made.manage("shell", "--no-imports", "-c", PLANT)
        made.start()
        yield made


@pytest.fixture
def devices(running: Portal) -> Iterator[Cast]:
    with acting(running) as cast:
        yield cast


@pytest.fixture
def page(running: Portal) -> Iterator[Page]:
    with chromium() as browser:
        opened = browser.new_context(base_url=running.url).new_page()
        opened.goto("/")
        yield opened


def reach(page: Page, target: Locator) -> None:
    """Presses Tab until the target has the focus, which must be seen there."""
    expect(target).to_be_visible()
    for _ in range(MOST):
        if target.evaluate("one => one === document.activeElement"):
            assert target.evaluate(FOCUS_IS_SEEN), "nothing shows where the focus is"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {target}")


#: Whether an element, or what wraps it, looks otherwise with the focus than without.
FOCUS_IS_SEEN = """one => {
  const look = (style) => style.outlineStyle + style.outlineColor + style.boxShadow;
  const around = [one, one.parentElement, one.parentElement.parentElement];
  const focused = around.map((each) => look(getComputedStyle(each)));
  one.blur();
  const plain = around.map((each) => look(getComputedStyle(each)));
  one.focus({ focusVisible: true });
  return focused.some((each, at) => each !== plain[at]);
}"""


def press(page: Page, role: str, words: str) -> None:
    """Goes to a link or a button and presses Enter."""
    reach(page, page.get_by_role(role, name=words, exact=True).last)
    page.keyboard.press("Enter")


def write(page: Page, target: Locator, words: str) -> None:
    reach(page, target)
    page.keyboard.type(words)


def on_step(page: Page, words: str) -> None:
    expect(page.locator("[aria-current=step]")).to_contain_text(words)


def test_a_canary_goes_out_and_is_promoted_without_a_mouse(page, devices):
    write(page, page.get_by_label("Username"), "operator")
    write(page, page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")
    press(page, "link", "New deployment")
    versions = page.get_by_role("radio")
    expect(versions).to_have_count(2)
    reach(page, versions.first)
    page.keyboard.press("Space")
    write(page, page.get_by_label("Name", exact=False).last, NAME)
    press(page, "button", "Continue")
    on_step(page, "Devices")
    write(page, page.get_by_label("Label expression"), "site=rome")
    press(page, "button", "Continue")
    on_step(page, "Parameters")
    press(page, "button", "Continue")
    on_step(page, "Rollout")
    reach(page, page.get_by_role("radio", name="Canary", exact=True))
    press(page, "button", "Continue")
    on_step(page, "Review")
    press(page, "button", "Start now")
    waiting = page.locator("tr[data-row]").filter(has_text="Waiting for the device")
    expect(waiting).to_have_count(1)
    devices.install(NAME, "pending")
    press(page, "button", "Promote Canary")
    expect(page.locator(".messagelist")).to_contain_text(f"{NAME} goes on")
    expect(waiting).to_have_count(4)
    devices.install(NAME, "pending")
    expect(page.locator("[data-part=state]")).to_contain_text("Completed")
