"""What a crash test needs: who kills, who starts again, and an operator who is not put off."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import httpx

from tests.e2e.running import PASSWORD, Portal


@dataclass(frozen=True)
class Kill:
    """One process ended by SIGKILL, and how many devices were under way in this moment."""

    part: str
    after_seconds: float
    under_way: int


def kill_order(seed: int, parts: Sequence[str], kills: int) -> list[int]:
    """The places in `parts` to kill, in order: each of them twice, the others by chance."""
    dice = random.Random(seed)
    places = list(range(len(parts)))
    order = [*places, *places]
    order += dice.choices(places, k=kills - len(order))
    dice.shuffle(order)
    return order


class Supervisor:
    """Starts a part again as soon as it has ended, as systemd would, and knows who ended it."""

    def __init__(self, running: Portal, parts: Sequence[str]) -> None:
        """Start all the parts."""
        self.running, self.parts = running, parts
        self.kills: list[Kill] = []
        #: Parts that ended although nobody had killed them, with their exit code.
        self.gave_up: list[tuple[str, int]] = []
        running.start(parts)
        self._begun = monotonic()

    def kill(self, place: int, under_way: int) -> None:
        """End one part as a power cut would, and start it again."""
        server = self.running.servers[place]
        server.kill()
        server.wait(10)
        self.kills.append(Kill(self.parts[place], monotonic() - self._begun, under_way))
        self._begin(place)

    def look_after(self) -> None:
        """Start again what ended by itself."""
        for place, server in enumerate(self.running.servers):
            if (code := server.poll()) is not None:
                self.gave_up.append((self.parts[place], code))
                self._begin(place)

    def killed(self) -> Counter[str]:
        """How often each part was killed."""
        return Counter(kill.part for kill in self.kills)

    def _begin(self, place: int) -> None:
        self.running.servers[place] = self.running.begin("serve", self.parts[place])


class Person:
    """An operator at the portal's own pages, who tries again when nobody answers."""

    def __init__(self, url: str, name: str) -> None:
        """Open a browser of a kind."""
        self._name = name
        self._browser = httpx.Client(base_url=url, timeout=10, follow_redirects=True)
        #: Answers that were a fault of the portal; a lost connection is none.
        self.faults: list[str] = []

    def close(self) -> None:
        """Close the browser."""
        self._browser.close()

    def sign_in(self) -> None:
        """Sign in; the session outlives the web server that began it."""
        self._browser.get("/login/").raise_for_status()
        form = {"username": self._name, "password": PASSWORD}
        self._post("/login/", form)

    def start(self, deployment: int) -> None:
        """Press Start. Whether it was heard stands in the database, whatever came back."""
        self._post(f"/deployments/deployment/{deployment}/do/start/", {})

    def reads(self, deployment: int) -> dict[str, object]:
        """The numbers of a deployment's page; empty when the portal does not answer."""
        try:
            answer = self._browser.get(f"/deployments/deployment/{deployment}/live.json")
        except httpx.TransportError:
            return {}
        self._note(answer)
        frame = answer.json() if answer.is_success else {}
        return {one["words"]: one["number"] for one in frame.get("counts", ()) if one["number"]}

    def _post(self, path: str, form: dict[str, str]) -> None:
        token = {"csrfmiddlewaretoken": self._browser.cookies.get("csrftoken", "")}
        try:
            self._note(self._browser.post(path, data={**form, **token}))
        except httpx.TransportError:
            return

    def _note(self, answer: httpx.Response) -> None:
        if answer.is_error:
            self.faults.append(f"{answer.request.method} {answer.url.path}: {answer.status_code}")
