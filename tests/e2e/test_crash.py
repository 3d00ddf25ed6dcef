"""Every five seconds a process is killed while 500 devices install; nothing of it shows after.

Needs PostgreSQL and Redis. CRASH_SEED=<what a failed run printed> kills in the same order again.
"""

import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from deployments.states import STATE_LOOKS, State
from devices.simulator import journal
from tests.e2e.crashing import Plant, plant_of
from tests.e2e.rollouts import FAILING, LOTS, PACKAGES, ROLLOUTS, Rollout, standings, submit
from tests.e2e.running import Portal, portal, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

PARTS = ("web", "devices", "worker", "worker", "beat")
DEVICES = 500
KILLS = 22
#: Kills that must have hit while devices were waiting for content or installing it.
LEAST_UNDER_WAY = 18

FLEET = (
    *("--devices", str(DEVICES), "--poll-seconds", "7", "--label", LOTS),
    *("--download-seconds", "1", "--install-seconds", "8", "--slow", "0.1:2"),
    *("--duplicate", "0.1", "--out-of-order", "0.1", "--stale", "0.1"),
    *(word for failing in FAILING for word in ("--fail", failing)),
)

#: What a device has done with a revision, as its journal calls it.
DONE = {"installed", "failed", "removed", "kept"}
#: What a device has done with the last revision of an instance that ended in a state.
AS_DONE = {"installed": "installed", "failed": "failed", "removed": "installed"}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """The evening of a day on which everything crashed: all has ended, the portal still runs."""
    seed = int(os.environ.get("CRASH_SEED") or secrets.randbelow(1_000_000))
    with portal(tmp_path_factory.mktemp("crash")) as running:
        for package in PACKAGES:
            running.manage("import_application", f"examples/{package}")
        running.start(PARTS)
        running.start_fleet(*FLEET)
        known = "SELECT count(*) FROM devices_device"
        until(lambda: running.number(known) == DEVICES, seconds=120, what="all the devices")
        submit(running, ROLLOUTS)
        with plant_of(running, PARTS, ROLLOUTS, seed, KILLS) as plant:
            try:
                plant.live_through()
                until(lambda: all_is_said(running), seconds=60, what="the last reports")
            except AssertionError:
                sys.stdout.write(plant.story())
                raise
            yield plant


@pytest.fixture(autouse=True)
def _tell(day: Plant) -> None:
    """Have the story shown with every test that fails."""
    sys.stdout.write(day.story())


def all_is_said(running: Portal) -> bool:
    """Whether the end of all that the devices have done was reported and answered."""
    lines = journal.reports(running.journal)
    said = {(line.deployment, line.version, line.state) for line in lines if line.status == 200}
    done = [line for line in journal.read(running.journal) if line.event in DONE]
    return {(one.deployment, one.version, word(one)) for one in done} <= said


def word(line: journal.Line) -> str:
    """The state that a device reports for what it has done."""
    return "installed" if line.event == "kept" else line.event


def test_each_part_is_killed_at_least_twice_while_devices_are_under_way(day: Plant) -> None:
    killed = Counter(kill.part for kill in day.kills)
    assert killed.total() == KILLS
    assert all(killed[part] >= 2 * PARTS.count(part) for part in PARTS)
    assert sum(kill.under_way > 0 for kill in day.kills) >= LEAST_UNDER_WAY


def test_nothing_ends_by_itself_and_nobody_is_shown_a_fault(day: Plant) -> None:
    assert day.gave_up == []
    assert day.operator.faults == []
    assert {line.status for line in journal.reports(day.running.journal)} <= {200, 503}
    assert journal.read(day.running.journal, "broken") == []


@pytest.mark.parametrize("rollout", ROLLOUTS, ids=lambda rollout: rollout.name)
def test_every_deployment_ends_right(day: Plant, rollout: Rollout) -> None:
    standing = standings(day.running)[rollout.name]
    assert (standing.stage, standing.status) == (rollout.stage, rollout.status)
    rows = day.running.rows(
        "SELECT i.state, w.uid, r.digest FROM deployments_instance i"
        " LEFT JOIN deployments_workload w ON w.id = i.workload_id"
        " LEFT JOIN deployments_revision r ON r.id = i.revision_id"
        f" WHERE i.deployment_id = {standing.id} AND NOT i.holds AND NOT i.unjudged"
    )
    counts = Counter(State(str(state)) for state, _, _ in rows)
    assert set(counts) == set(rollout.ends)
    words = {STATE_LOOKS[state].words: number for state, number in counts.items()}
    assert day.operator.reads(standing.id) == words
    done = {(one.deployment, one.digest): one.event for one in journal.read(day.running.journal)}
    # What was never published, or takes the application away, has no digest.
    told = {(str(uid), digest): AS_DONE[str(state)] for state, uid, digest in rows if digest}
    assert told == {one: done.get(one) for one in told}


def test_the_portal_knows_what_each_device_runs(day: Plant) -> None:
    runs: dict[object, object] = {}
    for line in journal.read(day.running.journal):
        if line.event in {"installed", "kept"}:
            runs[line.deployment] = line.digest
        elif line.event == "removed":
            # What failed to install is removed as well.
            runs.pop(line.deployment, None)
    rows = day.running.rows(
        "SELECT w.uid, r.digest FROM deployments_workload w"
        " JOIN deployments_revision r ON r.id = w.installed_id"
    )
    assert {str(uid): digest for uid, digest in rows} == runs


def test_no_report_that_was_answered_200_is_lost(day: Plant) -> None:
    lines = [line for line in journal.reports(day.running.journal) if line.status == 200]
    answered = {(line.deployment, line.version, line.state) for line in lines}
    rows = day.running.rows(
        "SELECT w.uid, r.adopted_version, r.state FROM deployments_statusreport r"
        " JOIN deployments_workload w ON w.id = r.workload_id"
    )
    kept = {(str(uid), int(str(version)), state) for uid, version, state in rows}
    assert len(answered) > DEVICES * len(ROLLOUTS)
    assert answered - kept == set()


def test_no_device_installs_one_revision_twice(day: Plant) -> None:
    installs = journal.installs(day.running.journal)
    times = Counter((line.device, line.deployment, line.digest) for line in installs)
    assert len(times) > DEVICES * 3
    assert [one for one in times if times[one] > 1] == []
