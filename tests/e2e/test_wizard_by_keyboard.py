"""The wizard by Tab alone: whatever has the focus can be seen above the bar of buttons."""

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from deployments.models import Deployment
from devices.models import DeviceGroup
from tests import cast
from tests.deployments import plant
from tests.e2e.browsing import chromium, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

#: What of the focused element the bar covers, in pixels, and whether a pointer would find it.
COVERED = """() => {
  const one = document.activeElement, bar = document.querySelector(".wizard-actions");
  if (one === document.body) return null;
  const box = one.getBoundingClientRect();
  const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    what: one.id || one.textContent.trim().slice(0, 40),
    inBar: bar.contains(one),
    hidden: Math.max(0, box.bottom - bar.getBoundingClientRect().top),
    found: Boolean(found) && (one === found || one.contains(found) || found.contains(one)
      || Array.from(one.labels || []).some((label) => label.contains(found))),
  };
}"""
#: More stops than any of the pages has.
MOST = 150


@pytest.fixture
def draft() -> Deployment:
    """A draft whose steps are all longer than the window."""
    settings = [
        {"parameter": f"speed-{one}", "name": f"Speed {one}", "description": "", "schema": "turns"}
        for one in range(12)
    ]
    version = plant.a_version(
        parameters={str(one["parameter"]): plant.SPEED for one in settings},
        sections=[{"name": "Drive", "settings": settings}],
    )
    for number in range(6):
        DeviceGroup.objects.create(name=f"Line {number}", created_at=plant.NOON)
    devices = [plant.a_device() for _ in range(12)]
    return plant.a_draft(devices, version, kind="canary_rolling", retry_failed=1)


@pytest.fixture
def browser(draft: Deployment) -> Iterator[tuple[Browser, object]]:
    session = cast.sign_in(cast.operator())
    with chromium() as running:
        yield running, session


def stops(page: Page) -> Iterator[dict[str, object]]:
    """Each element that Tab comes to, until it leaves the page or begins again."""
    first = None
    for _ in range(MOST):
        page.keyboard.press("Tab")
        seen = page.evaluate(COVERED)
        if seen is None or seen["what"] == first:
            return
        first = first or seen["what"]
        yield seen
    raise AssertionError("Tab never left the page")


@pytest.mark.parametrize("size", [(1366, 768), (768, 1024)])
def test_tab_never_leads_under_the_bar_of_buttons(browser, draft, live_server: LiveServer, size):
    running, session = browser
    context = running.new_context(viewport={"width": size[0], "height": size[1]})
    sign_in(context, session, live_server.url)
    page = context.new_page()
    for step in (2, 3, 4, 5):
        address = reverse("admin:deployments_deployment_step", args=[draft.pk, step])
        page.goto(f"{live_server.url}{address}")
        assert page.evaluate("document.documentElement.scrollHeight > innerHeight"), step
        met = list(stops(page))
        assert any(one["inBar"] for one in met), step
        under = [one for one in met if not one["inBar"] and (one["hidden"] or not one["found"])]
        assert under == [], step


def test_no_step_cuts_the_stepper_or_the_page_on_a_tablet(browser, draft, live_server: LiveServer):
    running, session = browser
    context = running.new_context(viewport={"width": 768, "height": 1024})
    sign_in(context, session, live_server.url)
    page = context.new_page()
    for step in range(1, 6):
        address = reverse("admin:deployments_deployment_step", args=[draft.pk, step])
        page.goto(f"{live_server.url}{address}")
        for part in ("document.documentElement", "document.querySelector('.stepper')"):
            assert page.evaluate(f"{part}.scrollWidth <= {part}.clientWidth"), (step, part)
