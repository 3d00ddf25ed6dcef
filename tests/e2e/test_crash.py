"""Every five seconds some process is killed while 500 devices install; nothing of it shows after.

Needs PostgreSQL and Redis. CRASH_SEED=<seed of a failed run> kills in the same order again.
"""

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest
import redis

from devices.simulator import journal
from tests.e2e.crashing import Person, Supervisor, kill_order
from tests.e2e.rollouts import Rollout, submit
from tests.e2e.running import Portal, portal, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

DEVICES = 500
PARTS = ("web", "devices", "worker", "worker", "beat")
KILLS = 22
KILL_SECONDS = 5.0
#: Kills that must have hit while devices were waiting for content or installing it.
LEAST_UNDER_WAY = 18
PATIENCE_SECONDS = 180

EXAMPLES = ("node-red", "node-red-next", "victoria-metrics", "grafana")
NODE_RED, VICTORIA, GRAFANA = "org-nodered-node-red", "com-victoriametrics-single", "com-grafana-grafana"

FLEET = (
    *("--devices", str(DEVICES), "--poll-seconds", "5", "--label", "half=left,right"),
    *("--download-seconds", "2", "--install-seconds", "12", "--slow", "0.1:2"),
    *("--duplicate", "0.1", "--out-of-order", "0.1", "--stale", "0.1"),
    *("--fail", f"application={GRAFANA}:0.1"),
)

#: What this application does not install without.
GIVEN = {"adminPassword": "a-long-password-for-dashboards"}

#: Lines of deployments beside each other, each of which waits for the one before it in its line.
ROLLOUTS = (
    Rollout("flows 1", NODE_RED, "4.0.9", "node-red-compose", "!none"),
    Rollout("flows 2", NODE_RED, "4.1.0", "node-red-compose", "!none", after="flows 1"),
    Rollout("flows 3", NODE_RED, "4.0.9", "node-red-compose", "!none", after="flows 2"),
    Rollout("flows 4", NODE_RED, "4.1.0", "node-red-compose", "!none", after="flows 3"),
    Rollout("history 1", VICTORIA, "1.106.0", "victoria-metrics-compose", "half=left"),
    Rollout(
        *("history 2", VICTORIA, "1.106.0", "victoria-metrics-helm", "half=left"),
        after="history 1",
    ),
    Rollout(
        *("history 3", VICTORIA, "1.106.0", "victoria-metrics-compose", "half=left"),
        after="history 2",
    ),
    Rollout(
        *("pictures 1", GRAFANA, "10.0.1", "grafana-helm", "half=right"),
        parameters=GIVEN,
        status="failed",
        fails=True,
    ),
    Rollout(
        *("pictures 2", GRAFANA, "10.0.1", "grafana-helm", "half=right"),
        after="pictures 1",
        parameters=GIVEN,
        strategy={"max_failures": DEVICES},
        fails=True,
    ),
)


class Plant:
    """A portal, its fleet and its operator, on a day when everything crashes."""

    def __init__(self, running: Portal, seed: int) -> None:
        self.running, self.seed = running, seed
        self.supervisor = Supervisor(running, PARTS)
        self.operator = Person(running.url, "operator")
        self._order = kill_order(seed, PARTS, KILLS)
        self._next_kill = 0.0

    def get_ready(self) -> None:
        """All devices are known, and every deployment waits for its start."""
        self.running.start_fleet(*FLEET)
        self.operator.sign_in()
        known = "SELECT count(*) FROM devices_device"
        until(lambda: self.running.number(known) == DEVICES, seconds=90, what="all the devices")
        submit(self.running, ROLLOUTS)
        self._next_kill = monotonic() + KILL_SECONDS

    def live_through(self) -> None:
        """Kill, flush and roll out until everything has ended."""
        end = monotonic() + KILLS * KILL_SECONDS + PATIENCE_SECONDS
        while self._order or not self._all_ended():
            assert monotonic() < end, f"not all has ended: {self.stages()}"
            self.supervisor.look_after()
            self._start_what_is_next()
            self._kill_when_it_is_time()
            sleep(0.2)
        until(self._nothing_left_to_say, seconds=60, what="the last reports")

    def story(self) -> str:
        """What to print when something is wrong."""
        kills = [f"{kill.after_seconds:6.1f} s {kill.part}, {kill.under_way} under way"
                 for kill in self.supervisor.kills]
        return "\n".join((f"CRASH_SEED={self.seed}", *kills, f"{self.stages()}"))

    def stages(self) -> dict[str, tuple[object, object]]:
        """Stage and status of each deployment by name."""
        rows = self.running.rows("SELECT name, stage, status FROM deployments_deployment")
        return {str(name): (stage, status) for name, stage, status in rows}

    def ids(self) -> dict[str, int]:
        """The number of each deployment by name."""
        rows = self.running.rows("SELECT name, id FROM deployments_deployment")
        return {str(name): int(str(pk)) for name, pk in rows}

    def _all_ended(self) -> bool:
        return all(self._has_ended(each.name) for each in ROLLOUTS)

    def _has_ended(self, name: str) -> bool:
        return self.stages()[name][0] in {"completed", "cancelled", "rolled_back"}

    def _start_what_is_next(self) -> None:
        for each in ROLLOUTS:
            waits = each.after and not self._has_ended(each.after)
            if self.stages()[each.name][0] == "ready" and not waits:
                self.operator.start(self.ids()[each.name])

    def _kill_when_it_is_time(self) -> None:
        if not self._order or monotonic() < self._next_kill:
            return
        self._next_kill += KILL_SECONDS
        if len(self._order) == KILLS // 2:
            with redis.Redis.from_url(self.running.environment["LINESIDE_REDIS_URL"]) as server:
                server.flushall()
        under_way = "SELECT count(*) FROM deployments_instance WHERE state IN ('pending','installing')"
        self.supervisor.kill(self._order.pop(), self.running.number(under_way))

    def _nothing_left_to_say(self) -> bool:
        lines = journal.reports(self.running.journal)
        said = {(line.deployment, line.version, line.state) for line in lines if line.status == 200}
        done = journal.read(self.running.journal)
        return all(
            (line.deployment, line.version, line.event) in said
            for line in done
            if line.event in {"installed", "failed", "removed"}
        )


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The day after: everything has ended, the portal still runs."""
    seed = int(os.environ.get("CRASH_SEED") or secrets.randbelow(1_000_000))
    with portal(tmp_path_factory.mktemp("crash")) as running:
        for example in EXAMPLES:
            running.manage("import_application", f"examples/{example}")
        plant = Plant(running, seed)
        try:
            plant.get_ready()
            plant.live_through()
        finally:
            print(plant.story())
        yield plant
        plant.operator.close()


@pytest.fixture
def plant(day: Plant) -> Plant:
    print(day.story())
    return day


def test_every_part_was_killed_while_devices_were_under_way(plant: Plant) -> None:
    killed = plant.supervisor.killed()
    assert killed.total() == KILLS
    assert all(killed[part] >= 2 * PARTS.count(part) for part in PARTS)
    hit = [kill for kill in plant.supervisor.kills if kill.under_way]
    assert len(hit) >= LEAST_UNDER_WAY


def test_nothing_ends_by_itself_and_nobody_is_shown_a_fault(plant: Plant) -> None:
    assert plant.supervisor.gave_up == []
    assert plant.operator.faults == []
    answers = Counter(line.status for line in journal.reports(plant.running.journal))
    assert set(answers) <= {200, 503}
    assert journal.read(plant.running.journal, "broken") == []


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=lambda rollout: rollout.name)
def test_every_deployment_ends_right(plant: Plant, rollout: Rollout) -> None:
    assert plant.stages()[rollout.name] == (rollout.stage, rollout.status)
    instances = plant.running.rows(
        "SELECT w.uid, r.digest, i.state, i.holds, i.unjudged FROM deployments_instance i"
        " LEFT JOIN deployments_workload w ON w.id = i.workload_id"
        " LEFT JOIN deployments_revision r ON r.id = i.revision_id"
        f" WHERE i.deployment_id = {plant.ids()[rollout.name]}"
    )
    outcomes = {
        (line.deployment, line.digest): line.event
        for line in journal.read(plant.running.journal)
        if line.event in {"installed", "failed", "removed"}
    }
    for uid, digest, state, holds, unjudged in instances:
        assert (holds, unjudged) == (False, False)
        if state != "skipped":
            assert outcomes[(str(uid), digest)] == state
    counts = Counter(str(state) for _, _, state, _, _ in instances)
    assert bool(counts["failed"]) == rollout.fails
    assert plant.operator.reads(plant.ids()[rollout.name]) == {
        state.capitalize(): number for state, number in counts.items()
    }


def test_no_report_that_was_answered_200_is_lost(plant: Plant) -> None:
    lines = [line for line in journal.reports(plant.running.journal) if line.status == 200]
    answered = {(line.deployment, line.version, line.state) for line in lines}
    rows = plant.running.rows(
        "SELECT w.uid, r.adopted_version, r.state FROM deployments_statusreport r"
        " JOIN deployments_workload w ON w.id = r.workload_id"
    )
    kept = {(str(uid), int(str(version)), state) for uid, version, state in rows}
    assert len(answered) > DEVICES * 3
    assert answered <= kept


def test_no_device_installs_the_same_revision_twice(plant: Plant) -> None:
    installs = journal.installs(plant.running.journal)
    done = Counter((line.device, line.deployment, line.digest) for line in installs)
    assert len(done) > DEVICES * 3
    assert {one: times for one, times in done.items() if times > 1} == {}
