"""The deployment pages in a real browser: the wizard while one types, the live page while devices
report, what both look like to axe, on a tablet, and when the server goes away."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.browsing import chromium, type_in
from tests.e2e.running import Portal, portal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: Rows of a plant in which one rollout is under way, one is ready and one is a draft.
PLANT = """
from django.utils import timezone
from deployments.models import Deployment
from tests.deployments import plant
now = plant.NOON = timezone.now()
version, other = plant.a_version(), plant.a_version(app_id="press")
devices = [plant.a_device(path=f"pump-{number:02}", site="berlin") for number in range(30)]
small = plant.a_device(path="a-tiny", memory="512Mi")
rolling = plant.a_rollout(devices[:3] + [small], version, install_timeout_seconds=86400)
plant.install(devices[0], now)
plant.poll(devices[1], now)
plant.fetch(devices[1], now)
plant.tell(devices[1], "failed", error="no such image", now=now)
ready = plant.a_ready_deployment(devices[3:5], version)
draft = plant.a_draft(devices[5:8], other)
for number in range(20):
    plant.a_device(path=f"valve-{number:02}", site="rome")
canary, batches = {"kind": "canary"}, {"kind": "rolling", "batch_by": "sizes"}
strategies = (
    {**canary, "canary_by": "count", "canary_gate": "automatic", "canary_soak_seconds": 60},
    {**canary, "canary_by": "labels", "canary_labels": "site=berlin", "order": "groups"},
    {**batches, "batch_sizes": "1, 50 %, rest", "order": "label", "order_label": "site"},
    {"kind": "canary_rolling", "batch_gate": "manual", "offline": "fail", "max_failures": "5 %"},
)
for strategy in strategies:
    one = plant.a_draft(devices[8:28], other, **strategy)
    Deployment.objects.filter(pk=one.pk).update(wizard_step=5)
for name, one in (("Rolling", rolling), ("Waiting", ready), ("Drafted", draft)):
    Deployment.objects.filter(pk=one.pk).update(name=name, wizard_step=5)
"""
LIST = "/deployments/deployment/"


def page_of(number: int) -> str:
    return f"{LIST}{number}/change/"


def step_of(number: int, step: int) -> str:
    return f"{LIST}{number}/step/{step}/"


ROLLING, READY, DRAFT = 1, 2, 3
#: What the bar of the rollout says once the third device installs.
INSTALLING = "Devices: 1 installed, 1 failed, 1 installing, 1 skipped, of 4"
#: A draft for each strategy besides Immediate.
STRATEGIES = range(4, 8)
PAGES = (
    LIST,
    f"{LIST}?stage=rolling&q=o",
    f"{LIST}?q=nothing",
    f"{LIST}new/",
    f"{LIST}{ROLLING}/do/cancel/",
    f"{LIST}{ROLLING}/compare/",
    f"{LIST}{ROLLING}/change/?batch=1&state=failed",
    page_of(ROLLING),
    page_of(READY),
    page_of(DRAFT),
    *(step_of(DRAFT, step) for step in range(1, 6)),
    *(step_of(draft, step) for draft in STRATEGIES for step in (4, 5)),
)


def python(running: Portal, program: str) -> None:
    """Changes rows from a process of its own, as a device's report through another one would."""
    running.manage("shell", "--no-imports", "-c", program)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("pages")) as made:
        python(made, PLANT)
        made.start()
        yield made


class Window:
    """A browser window of the operator that notes what its console says."""

    def __init__(self, page: Page, running: Portal) -> None:
        self.page, self.url = page, running.url
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text))
        type_in(page, self.url, "operator")

    def go(self, address: str) -> Page:
        self.page.goto(f"{self.url}{address}")
        return self.page


@pytest.fixture
def window(running: Portal) -> Iterator[Window]:
    with chromium() as browser:
        yield Window(browser.new_context().new_page(), running)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_a_tablet(window, theme):
    window.page.emulate_media(color_scheme=theme)
    findings: dict[str, list[str]] = {}
    for address in PAGES:
        page = window.go(address)
        page.wait_for_load_state("load")
        said = list(window.complaints)
        # What is folded away is looked at too.
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        violations = Axe().run(page).response["violations"]
        # What axe itself does to the page is no fault of the page.
        window.complaints[:] = said
        if violations:
            findings[address] = [
                f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}"
                for one in violations
            ]
        page.set_viewport_size({"width": 768, "height": 1024})
        assert page.evaluate("document.documentElement.scrollWidth") <= 768, address
        page.set_viewport_size({"width": 1366, "height": 900})
    assert findings == {}
    assert window.complaints == []


def test_the_count_follows_while_devices_are_chosen(window):
    page = window.go(step_of(DRAFT, 2))
    chosen = page.locator("[data-fit-part]")
    expect(chosen).to_contain_text("3 devices chosen")
    expect(page.get_by_role("button", name="Update")).to_be_hidden()
    page.get_by_label("a-tiny").check()
    expect(chosen).to_contain_text("4 devices chosen")
    expect(chosen).to_contain_text("needs 1 GiB of memory")
    page.get_by_label("Label expression").fill("site=berlin")
    expect(chosen).to_contain_text("31 devices chosen")
    page.get_by_label("Label expression").fill("site=(")
    expect(chosen).to_contain_text("Position")
    assert window.complaints == []


def test_the_keyboard_alone_goes_through_the_wizard(window):
    page = window.go(step_of(DRAFT, 3))
    page.get_by_label("Speed").fill("500")
    page.get_by_label("Speed").press("Enter")
    expect(page.locator("main")).to_contain_text("Speed must be at most 100.")
    page.get_by_label("Speed").fill("42")
    page.get_by_label("Speed").press("Enter")
    expect(page.locator("[aria-current=step]")).to_contain_text("Rollout")
    page.get_by_role("radio", name="Immediate").press("ArrowDown")
    expect(page.get_by_role("radio", name="Canary", exact=True)).to_be_checked()
    expect(page.get_by_role("group", name="Which devices go first")).to_be_visible()
    page.get_by_role("radio", name="Canary", exact=True).press("ArrowUp")
    expect(page.get_by_role("group", name="Which devices go first")).to_be_hidden()
    page.locator("details.limits > summary").press("Enter")
    page.get_by_label("Failures allowed").fill("two")
    page.get_by_label("Failures allowed").press("Enter")
    expect(page.locator("main")).to_contain_text("It must be a whole number like 5")
    expect(page.get_by_label("Failures allowed")).to_be_focused()
    page.get_by_label("Failures allowed").fill("2")
    page.get_by_label("Failures allowed").press("Enter")
    expect(page.locator("[aria-current=step]")).to_contain_text("Review")
    expect(page.locator("main")).to_contain_text("42")
    page.get_by_role("button", name="Parameters").click()
    expect(page.get_by_label("Speed")).to_have_value("42")
    assert window.complaints == []


def test_a_canary_is_set_up_by_clicking_through_the_wizard(window, running):
    page = window.go(f"{LIST}new/")
    page.get_by_role("row", name="Press").get_by_role("radio").check()
    page.get_by_role("textbox", name="Name").fill("Careful")
    page.get_by_role("button", name="Continue").last.click()
    page.get_by_label("Label expression").fill("site=rome")
    for _ in ("devices", "parameters"):
        page.get_by_role("button", name="Continue").last.click()
    # It is suggested to somebody who has not chosen yet.
    expect(page.get_by_role("radio", name="Canary", exact=True)).to_be_checked()
    page.locator(".strategy").filter(has_text="Immediate").click()
    expect(page.get_by_role("heading", name="The canary")).to_be_hidden()
    expect(page.get_by_role("heading", name="Order of the devices")).to_be_hidden()
    page.set_viewport_size({"width": 1366, "height": 768})
    # The whole card can be clicked, and what belongs to another strategy stays away.
    page.locator(".strategy").filter(has_text="When they are well").click()
    expect(page.get_by_role("heading", name="The canary")).to_be_visible()
    expect(page.get_by_role("heading", name="The batches")).to_be_hidden()
    expect(page.get_by_label("Number of devices", exact=True)).to_be_hidden()
    page.get_by_label("A number of devices").first.check()
    # The question that comes with the answer is seen at once, not under the bar of buttons.
    asked = page.get_by_label("Number of devices", exact=True).bounding_box()
    bar = page.locator(".wizard-actions").bounding_box()
    assert asked["y"] + asked["height"] <= bar["y"]
    page.get_by_label("Number of devices", exact=True).fill("3")
    page.get_by_label("By themselves").check()
    page.get_by_label("After the canary was well for", exact=True).fill("2")
    page.get_by_label("Unit of: After the canary").select_option("hours")
    page.get_by_role("button", name="Continue").last.click()
    plan = page.locator("ol.plan")
    expect(plan.locator("li").first).to_contain_text("Canary 3 devices")
    expect(plan.locator("li").last).to_contain_text("2 hours after the canary is healthy")
    expect(plan.locator("li").last).to_contain_text("The rest 17 devices")
    page.get_by_role("button", name="Start now").click()
    expect(page.get_by_role("heading", name="Careful", level=1)).to_be_visible()
    expect(page.locator("[data-part=batches]")).to_contain_text("Canary")
    batches = running.rows(
        "SELECT b.name, b.size, b.gate FROM deployments_batch b JOIN deployments_deployment d "
        "ON d.id = b.deployment_id WHERE d.name = 'Careful' ORDER BY b.number"
    )
    assert [tuple(row) for row in batches] == [("Canary", 3, "canary"), ("The rest", 17, "")]
    assert window.complaints == []


def test_news_of_a_device_that_the_filter_hides_make_no_row(window, running):
    with window.page.expect_websocket() as opened:
        page = window.go(f"{page_of(ROLLING)}?state=failed")
    row = page.locator("tr[data-row]")
    expect(row).to_have_count(1)
    with opened.value.expect_event(
        "framereceived", lambda frame: "Accepted by the device" in frame, timeout=30_000
    ):
        python(running, report("pending", "pump-02"))
    page.wait_for_timeout(500)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("pump-01")


def test_the_list_follows_while_a_rollout_runs_and_says_when_it_is_stale(window, running):
    page = window.go(LIST)
    note, row = page.locator("[data-lines-note]"), page.locator(f'[data-line="{ROLLING}"]')
    expect(row).to_contain_text("1/3 successful, 1 skipped")
    expect(note).to_contain_text("Live, updated", timeout=10_000)
    page.evaluate("window.sameDocument = true")
    row.get_by_role("link").focus()
    python(running, report("installing", "pump-02"))
    expect(row.locator("svg")).to_have_attribute("aria-label", INSTALLING, timeout=20_000)
    expect(row.get_by_role("link")).to_be_focused()
    page.context.set_offline(True)
    expect(note).to_contain_text("Connection lost, trying again", timeout=30_000)
    page.context.set_offline(False)
    expect(note).to_contain_text("Live, updated", timeout=15_000)
    assert page.evaluate("window.sameDocument") is True


def test_the_page_follows_without_a_reload_and_comes_back_after_the_server_was_away(
    window, running
):
    page = window.go(page_of(ROLLING))
    note, row = page.locator("[data-live]"), page.locator("tr[data-row]").filter(has_text="pump-02")
    expect(note).to_contain_text("Live, updated")
    expect(page.locator("[data-part=progress]")).to_contain_text("1 of 3 installed, 1 skipped")
    page.evaluate("window.sameDocument = true")
    python(running, report("installing", "pump-02"))
    expect(row).to_contain_text("Installing", timeout=15_000)
    running.kill()
    expect(note).to_contain_text("Connection lost, trying again", timeout=20_000)
    python(running, report("installed", "pump-02"))
    running.start()
    expect(note).to_contain_text("Live, updated", timeout=60_000)
    expect(row).to_contain_text("Installed", timeout=15_000)
    expect(page.locator("[data-part=progress]")).to_contain_text("2 of 3 installed, 1 skipped")
    expect(page.locator("[data-part=state]")).to_contain_text("Completed", timeout=15_000)
    expect(page.locator("[data-action=cancel]")).to_be_hidden()
    expect(page.locator("[data-action=delete]")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True


def report(state: str, path: str) -> str:
    """A program in which a device fetches what is wanted and reports."""
    return f"""
from django.utils import timezone
from devices.models import Device
from tests.deployments import plant
device, now = Device.objects.get(path="{path}"), timezone.now()
plant.poll(device, now)
plant.fetch(device, now)
plant.tell(device, "{state}", now=now)
"""


def test_what_was_just_done_is_news_until_the_rollout_has_gone_on(window, running):
    page = window.go(page_of(READY))
    page.get_by_role("button", name="Start", exact=True).click()
    done = page.get_by_text("Waiting was started.")
    expect(done).to_be_visible()
    expect(page.locator("[data-live]")).to_contain_text("Live, updated")
    for path in ("pump-03", "pump-04"):
        expect(done).to_be_visible()
        python(running, report("installed", path))
    expect(page.locator("[data-part=state]")).to_contain_text("Completed", timeout=15_000)
    expect(done).to_have_count(0)


def test_a_person_whose_role_is_taken_away_is_told_so(window, running):
    page = window.go(page_of(READY))
    expect(page.locator("[data-live]")).to_contain_text("Live, updated")
    take = "from accounts.models import User; User.objects.get(username='operator').groups"
    python(running, f"{take}.clear()")
    expect(page.locator("[data-live]")).to_contain_text("signed out", timeout=60_000)
