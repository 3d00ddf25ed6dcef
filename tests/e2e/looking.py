"""One page of a browser that is led from address to address, and what is wrong with each."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

DESK: ViewportSize = {"width": 1366, "height": 900}
TABLET: ViewportSize = {"width": 768, "height": 1024}
#: A theme that changes fades into the other; what is half-way there has colours of no theme.
SETTLE = """() => document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
    .forEach((one) => one.finish())"""
UNFOLD = "document.querySelectorAll('details').forEach(one => one.open = true)"


@dataclass
class Eye:
    """Looks at what is shown now; `wrong` collects what should not be, by the name of the page."""

    page: Page
    wrong: dict[str, list[str]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def go(self, address: str, *, status: int = 200) -> None:
        """To another page, which answers with this status."""
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == status, f"{address}: {answer.status}"

    def look(self, name: str) -> None:
        """Bright on a desk and dark on a tablet; what is folded away is looked at, too."""
        found, self.heard[:] = list(self.heard), []
        self.page.evaluate(UNFOLD)
        self.page.emulate_media(color_scheme="dark")
        self.page.set_viewport_size(TABLET)
        found += self._faults("dark, 768 px")
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > TABLET["width"]:
            found.append(f"is {width} px wide")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(DESK)
        found += self._faults("light, 1366 px")
        if found:
            self.wrong[name] = found

    def _faults(self, how: str) -> list[str]:
        said = list(self.heard)
        self.page.evaluate(SETTLE)
        violations = Axe().run(self.page).response["violations"]
        # What axe itself does to the page is no fault of the page.
        self.heard[:] = said
        return [
            f"{how}: {one['id']}: {[node['target'] for node in one['nodes']][:3]}"
            for one in violations
        ]


def opened(browser: Browser, home: str) -> Eye:
    """An eye in a browser of its own, that hears the console and who else is asked."""
    context = browser.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    # The server of these tests has no sockets: one that stays silent stands for them.
    context.route_web_socket("**/*", lambda _socket: None)
    eye = Eye(context.new_page())

    def hear(said: ConsoleMessage) -> None:
        # A page with another status than 200 is told as an error; `go` has looked at that.
        itself = said.location["url"] == eye.page.url and "the server responded" in said.text
        if said.type in {"error", "warning"} and not itself:
            eye.heard.append(f"console: {said.text}")

    def ask(address: str) -> None:
        if urlsplit(address).netloc != urlsplit(home).netloc:
            eye.heard.append(f"asks {address}")

    eye.page.on("console", hear)
    eye.page.on("pageerror", lambda error: eye.heard.append(f"script: {error}"))
    eye.page.on("request", lambda asked: ask(asked.url))
    return eye
