"""A plant on a bad day: who kills, who starts again, and an operator who is not put off."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep

import httpx
import redis

from tests.e2e.rollouts import OVER, Rollout, Standing, standings
from tests.e2e.running import PASSWORD, Portal

KILL_SECONDS = 5.0
#: Nothing at all changes on any device for so long only when something is stuck, however busy the
#: machine is.
STUCK_SECONDS = 90.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Kill:
    """One process ended by SIGKILL, and how many devices were under way in this moment."""

    part: str
    after_seconds: float
    under_way: int


def kill_order(seed: int, parts: Sequence[str], kills: int) -> list[int]:
    """Places in `parts` in the order in which to kill: each of them twice, the rest by chance."""
    dice = random.Random(seed)
    places = list(range(len(parts)))
    order = [*places, *places, *dice.choices(places, k=kills - 2 * len(places))]
    dice.shuffle(order)
    return order


class Operator:
    """Somebody at the portal's own pages, who tries again when nobody answers."""

    def __init__(self, url: str, name: str) -> None:
        """Sign in; the session outlives the web server that began it."""
        self.browser = httpx.Client(base_url=url, timeout=10, follow_redirects=True)
        #: Answers that were a fault of the portal; a lost connection is none.
        self.faults: list[str] = []
        self.browser.get("/login/").raise_for_status()
        self._post("/login/", {"username": name, "password": PASSWORD})

    def start(self, deployment: int) -> None:
        """Press Start. Whether it was heard stands in the database, whatever came back."""
        self._post(f"/deployments/deployment/{deployment}/do/start/", {})

    def reads(self, deployment: int) -> dict[str, int]:
        """How many devices are in which state, in the words of the deployment's page."""
        answer = self.browser.get(f"/deployments/deployment/{deployment}/live.json")
        counts = answer.raise_for_status().json()["counts"]
        return {one["words"]: one["number"] for one in counts if one["number"]}

    def _post(self, path: str, form: dict[str, str]) -> None:
        token = {"csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        try:
            answer = self.browser.post(path, data={**form, **token})
        except httpx.TransportError:
            return
        if answer.is_error:
            self.faults.append(f"{answer.request.method} {answer.url.path}: {answer.status_code}")


@dataclass
class Plant:
    """A portal whose parts are killed, those in `left` from its end, and started again."""

    running: Portal
    parts: Sequence[str]
    rollouts: Sequence[Rollout]
    operator: Operator
    seed: int
    left: list[int]
    kills: list[Kill] = field(default_factory=list)
    #: Parts that ended although nobody had killed them, with their exit code.
    gave_up: list[tuple[str, int]] = field(default_factory=list)
    _changes: int = 0
    _moved_at: float = field(default_factory=monotonic)

    def live_through(self) -> None:
        """Kill, flush, start again and roll out until everything is over."""
        begun, flush_at = monotonic(), len(self.left) // 2
        while self.left or not self._all_over():
            assert self._something_moves(), f"Nothing has moved for {STUCK_SECONDS} s."
            self._look_after()
            since = monotonic() - begun
            if self.left and since >= KILL_SECONDS * (len(self.kills) + 1):
                self._kill(self.left.pop(), since)
                if len(self.left) == flush_at:
                    self._flush()
            self._start_what_is_next()
            sleep(LOOK_SECONDS)

    def story(self) -> str:
        """What happened, for whoever looks at a failure."""
        kills = (
            f"{kill.after_seconds:6.1f} s: {kill.part} killed, {kill.under_way} devices under way"
            for kill in self.kills
        )
        ends = (f"{name}: {standing}" for name, standing in standings(self.running).items())
        return "\n".join((f"CRASH_SEED={self.seed}", *kills, *ends, ""))

    def _something_moves(self) -> bool:
        changes = self.running.number("SELECT sum(changes) FROM deployments_instance")
        if changes != self._changes:
            self._changes, self._moved_at = changes, monotonic()
        return monotonic() < self._moved_at + STUCK_SECONDS

    def _all_over(self) -> bool:
        return all(standing.stage in OVER for standing in standings(self.running).values())

    def _kill(self, place: int, since: float) -> None:
        # As a power cut would end it; and as systemd would, it is begun again at once.
        flying = "SELECT count(*) FROM deployments_instance WHERE state IN ('pending','installing')"
        self.kills.append(Kill(self.parts[place], since, self.running.number(flying)))
        self.running.servers[place].kill()
        self.running.servers[place].wait(10)
        self._begin(place)

    def _look_after(self) -> None:
        for place, server in enumerate(self.running.servers):
            if (code := server.poll()) is not None:
                self.gave_up.append((self.parts[place], code))
                self._begin(place)

    def _begin(self, place: int) -> None:
        self.running.servers[place] = self.running.begin("serve", self.parts[place])

    def _flush(self) -> None:
        with redis.Redis.from_url(self.running.environment["LINESIDE_REDIS_URL"]) as server:
            server.flushall()

    def _start_what_is_next(self) -> None:
        now = standings(self.running)
        for each in self.rollouts:
            if now[each.name].stage == "ready" and _may_begin(each, now):
                self.operator.start(now[each.name].id)


def _may_begin(rollout: Rollout, now: dict[str, Standing]) -> bool:
    return not rollout.after or now[rollout.after].stage in OVER


@contextmanager
def plant_of(
    running: Portal, parts: Sequence[str], rollouts: Sequence[Rollout], seed: int, kills: int
) -> Iterator[Plant]:
    """A plant with its operator signed in; nothing of it is killed yet."""
    operator = Operator(running.url, "operator")
    with closing(operator.browser):
        order = kill_order(seed, parts, kills)
        yield Plant(running, parts, rollouts, operator, seed, order)
