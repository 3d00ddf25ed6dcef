"""What people do with a deployment, by clicking: gates, approval, two at once, and each role."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.acting import Cast, acting
from tests.e2e.browsing import chromium, is_marked, mark, type_in
from tests.e2e.running import ROLES, Portal, portal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

#: A plant where each test has devices and a deployment of its own. The rollouts of the roles stay
#: where they are, as nobody plays their devices.
PLANT = """
from django.utils import timezone
from deployments import moves, submitting
from deployments.models import Deployment
from tests.deployments import plant
now = plant.NOON = timezone.now()
first, second = plant.a_version("1.0.0"), plant.a_version("2.0.0")
def some(site, number=2):
    return [plant.a_device(path=f"{site}-{one}", site=site) for one in range(number)]
def named(name, deployment):
    Deployment.objects.filter(pk=deployment.pk).update(name=name, wizard_step=5)
    return deployment
for site, number in (("immediate", 2), ("canary", 2), ("rolling", 2), ("both", 3), ("left", 2)):
    some(site, number)
def canary(name):
    devices = some(name)
    rollout = plant.a_rollout(devices, first, kind="canary")
    plant.install(devices[0], now)
    plant.tick(rollout, now)
    return rollout
canary_at_gate = named("At a gate", canary("gate"))
assert canary_at_gate.stage == "gate"
named("Rolling", plant.a_rollout(some("busy"), first))
named("Drafted", plant.a_draft(some("draft"), first))
asking = named("Asking", plant.a_draft(some("asking"), first))
submitting.submit(asking, actor=None, now=now, ask_approval=True)
named("To be approved", plant.a_draft(some("approved"), first))
named("Shared", plant.a_rollout(some("shared"), first))
devices = some("bad", 3)
good = named("Good", plant.a_rollout(devices, first))
for one in devices:
    plant.install(one, now)
plant.tick(good, now)
named("Bad", plant.a_rollout(devices, second, rollback_count=0))
"""
LIST = "/deployments/deployment/"
#: Who sees which actions on the page of a deployment, in their order.
OFFERED = {
    "viewer": {"Drafted": [], "Asking": [], "Rolling": [], "At a gate": []},
    "operator": {
        "Drafted": ["Continue", "Delete"],
        "Asking": ["Edit", "Start at …", "Cancel"],
        "Rolling": ["Pause", "Roll back", "Cancel"],
        "At a gate": ["Pause", "Roll back", "Cancel", "Promote Canary"],
    },
}
OFFERED["admin"] = OFFERED["operator"] | {
    "Asking": ["Approve", "Deny", *OFFERED["operator"]["Asking"]]
}
#: Who sees what in the menu besides what everybody sees.
MENU = {
    "viewer": set(),
    "operator": {"Clients", "People"},
    "admin": {"Clients", "Approval rules", "People"},
}
#: The strategy as its card says it, the site whose devices get it, and the gates on the way.
STRATEGIES = (
    ("All devices get the new version at once", "immediate", ()),
    ("When they are well, all the others follow", "canary", ("Promote Canary",)),
    ("One batch after the other gets it", "rolling", ("Approve Batch",)),
    ("and then one batch after the other", "both", ("Promote Canary", "Approve Batch")),
)
SITES = [site for _, site, _ in STRATEGIES]

Opens = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("clicking")) as made:
        made.manage("shell", "--no-imports", "-c", PLANT)
        made.start()
        yield made


@pytest.fixture(scope="module")
def devices(running: Portal) -> Iterator[Cast]:
    with acting(running) as cast:
        yield cast


@pytest.fixture(scope="module")
def browsers(running: Portal) -> Iterator[dict[str, BrowserContext]]:
    """A browser for each role, in which somebody has signed in."""
    with chromium() as browser:
        made = {role: browser.new_context(base_url=running.url) for role in ROLES}
        for role, context in made.items():
            type_in(context.new_page(), running.url, role)
        yield made


@pytest.fixture
def opens(browsers: dict[str, BrowserContext]) -> Iterator[Opens]:
    """Opens the page of a deployment in the browser of somebody; no script may trip there."""
    complaints: list[str] = []

    def opened(role: str, name: str) -> Page:
        page = browsers[role].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(LIST)
        if name:
            page.goto(f"{LIST}?q={name}")
            page.get_by_role("link", name=name, exact=True).click()
            expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        return page

    yield opened
    for context in browsers.values():
        for page in context.pages:
            page.close()
    assert complaints == []


def state(page: Page) -> Locator:
    """Where the deployment stands, in words."""
    return page.locator("[data-part=state] .badge")


def rows(page: Page, words: str) -> Locator:
    """Its devices in a state."""
    return page.locator("tr[data-row]").filter(has_text=words)


def button(page: Page, words: str) -> Locator:
    """An action, wherever it leads."""
    return page.locator("[data-action]").get_by_text(words, exact=True)


def offered(page: Page) -> Locator:
    """All that the person may do now."""
    return page.locator("[data-action]:visible, .page-actions a.button-primary:visible")


def follows(page: Page) -> None:
    """Waits until the page is live, and marks it: from here on it must not be loaded again."""
    expect(page.locator("[data-live]")).to_contain_text("Live, updated")
    mark(page)


def go_on(page: Page, to: str) -> None:
    """Takes a step of the wizard."""
    page.get_by_role("button", name="Continue").last.click()
    expect(page.locator("[aria-current=step]")).to_contain_text(to)


def begin(page: Page, name: str, site: str) -> None:
    """The first two steps of the wizard."""
    page.get_by_role("link", name="New deployment").first.click()
    page.get_by_role("row", name="2.0.0").get_by_role("radio").check()
    page.get_by_role("textbox", name="Name").fill(name)
    go_on(page, "Devices")
    page.get_by_label("Label expression").fill(f"site={site}")
    go_on(page, "Parameters")


@pytest.mark.parametrize(("strategy", "site", "gates"), STRATEGIES, ids=SITES)
def test_each_strategy_goes_through_its_gates_by_clicking(opens, devices, strategy, site, gates):
    page = opens("operator", "")
    name = f"To {site}"
    begin(page, name, site)
    go_on(page, "Rollout")
    page.locator(".strategy").filter(has_text=strategy).click()
    if "Approve Batch" in gates:
        page.get_by_label("After Approve Batch").check()
    go_on(page, "Review")
    page.get_by_role("button", name="Start now").click()
    for installed, gate in enumerate(gates, start=1):
        expect(rows(page, "Waiting for the device")).to_have_count(1)
        follows(page)
        devices.install(name, "pending")
        expect(state(page)).to_contain_text(f"Waiting for {gate}")
        expect(rows(page, "Installed")).to_have_count(installed)
        expect(rows(page, "Waiting for the device")).to_have_count(0)
        assert is_marked(page)
        button(page, gate).click()
        expect(page.locator(".messagelist")).to_contain_text(f"{name} goes on")
        expect(button(page, gate)).to_be_hidden()
    expect(rows(page, "Waiting for the device")).to_have_count(1 if gates else 2)
    follows(page)
    devices.install(name, "pending")
    expect(state(page)).to_contain_text("Completed")
    expect(rows(page, "Installed")).to_have_count(len(gates) + 1 if gates else 2)
    assert is_marked(page)


def test_a_rollback_by_itself_is_seen_without_a_reload(opens, devices):
    page = opens("viewer", "Bad")
    bar = page.locator("[data-part=progress] svg").first
    expect(state(page)).to_contain_text("Rolling out")
    follows(page)
    devices.fail("Bad", "no such image")
    expect(state(page)).to_contain_text("Rolling back")
    expect(page.locator("[data-part=timeline]")).to_contain_text("1 device failed, 0 allowed")
    expect(page.locator("[data-part=outlook]")).to_contain_text("back")
    # Those that had not come for it are back at once.
    expect(bar).to_have_attribute("aria-label", "Progress: 2 put back, 1 being put back, of 3")
    devices.install("Bad", "removing")
    expect(state(page)).to_contain_text("Rolled back")
    expect(page.locator("[data-part=progress]")).to_contain_text("3 of 3 put back")
    assert is_marked(page)


def test_a_second_person_approves_and_the_first_one_follows(opens):
    author = opens("operator", "To be approved")
    author.get_by_role("link", name="Continue").click()
    author.get_by_role("button", name="Ask for approval").click()
    expect(state(author)).to_contain_text("Waiting for approval")
    expect(button(author, "Approve")).to_have_count(0)
    expect(button(author, "Start")).to_be_hidden()
    follows(author)
    other = opens("admin", "To be approved")
    button(other, "Approve").click()
    other.get_by_label("Remark").fill("Checked with line 4")
    other.get_by_role("button", name="Approve", exact=True).click()
    expect(state(other)).to_contain_text("Ready to start")
    expect(state(author)).to_contain_text("Ready to start")
    expect(author.locator("[data-part=timeline]")).to_contain_text("“Checked with line 4”")
    expect(author.locator("[data-part=state]")).to_contain_text("approved by admin")
    assert is_marked(author)
    button(author, "Start").click()
    expect(state(author)).to_contain_text("Rolling out")


def test_two_people_at_one_deployment(opens):
    first, second, late = (opens(role, "Shared") for role in ("operator", "admin", "admin"))
    button(late, "Pause").click()
    expect(late.get_by_role("heading", name="What will happen")).to_be_visible()
    expect(button(second, "Pause")).to_be_visible()
    expect(button(second, "Resume")).to_be_hidden()
    follows(second)
    button(first, "Pause").click()
    first.get_by_role("button", name="Pause", exact=True).click()
    expect(state(first)).to_contain_text("Paused")
    expect(state(second)).to_contain_text("Paused")
    expect(button(second, "Pause")).to_be_hidden()
    expect(button(second, "Resume")).to_be_visible()
    assert is_marked(second)
    late.get_by_role("button", name="Pause", exact=True).click()
    expect(late.locator(".messagelist .error")).to_contain_text("is possible while it is")
    # Who comes too late has changed nothing, and sees where it stands.
    expect(state(late)).to_contain_text("Paused")


def test_the_wizard_is_left_and_resumed_with_all_answers(opens):
    page = opens("operator", "")
    begin(page, "Left alone", "left")
    page.close()
    page = opens("operator", "Left alone")
    expect(page.locator("[data-part=outlook]")).to_contain_text("step 3 of 5")
    page.get_by_role("link", name="Continue").click()
    expect(page.locator("[aria-current=step]")).to_contain_text("Parameters")
    page.get_by_label("Speed").fill("42")
    go_on(page, "Rollout")
    page.close()
    page = opens("operator", "Left alone")
    page.get_by_role("link", name="Continue").click()
    expect(page.locator("[aria-current=step]")).to_contain_text("Rollout")
    page.get_by_role("button", name="Devices").click()
    expect(page.get_by_label("Label expression")).to_have_value("site=left")
    page.get_by_role("button", name="Parameters").click()
    expect(page.get_by_label("Speed")).to_have_value("42")
    go_on(page, "Rollout")
    go_on(page, "Review")
    expect(page.locator("main")).to_contain_text("2 of 2 devices get Mixer 2.0.0")
    page.get_by_role("button", name="Make ready").click()
    expect(state(page)).to_contain_text("Ready to start")
    expect(page.get_by_role("heading", name="Left alone", level=1)).to_be_visible()
    expect(page.locator("tr[data-row]")).to_have_count(2)
    expect(page.get_by_role("region", name="Configuration")).to_contain_text("42")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_own_actions_and_menu(opens, role):
    for name, words in OFFERED[role].items():
        page = opens(role, name)
        expect(offered(page), name).to_have_text(words)
    menu = page.get_by_role("navigation", name="Menu").get_by_role("link").all_inner_texts()
    everybody = {"Overview", "Applications", "Devices", "Groups", "Deployments", "History"}
    assert {one.strip() for one in menu} - everybody == MENU[role]
    page.goto(LIST)
    new = page.get_by_role("link", name="New deployment")
    expect(new).to_have_count(0) if role == "viewer" else expect(new.first).to_be_visible()
