"""The server is killed in the middle of a rollout and started again: it ends the same."""

import time
from collections import Counter

import pytest

from devices.simulator import journal
from tests.e2e.running import Portal, portal, until
from tests.e2e.starting import START

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DEVICES = 20
KILLS = 3


def test_no_device_installs_twice_and_no_answered_report_is_lost(tmp_path):
    with portal(tmp_path) as running:
        running.manage("import_application", "examples/node-red")
        running.start()
        running.start_fleet(
            *("--devices", str(DEVICES), "--poll-seconds", "1"),
            *("--download-seconds", "3", "--install-seconds", "15"),
        )
        until(
            lambda: running.number("SELECT count(*) FROM devices_device") == DEVICES,
            seconds=60,
            what="all devices reporting themselves",
        )
        running.manage("shell", "-c", START)
        killed_under_way = 0
        for _ in range(KILLS):
            until(lambda: in_the_middle(running), seconds=60, what="devices under way")
            killed_under_way += stage(running) == "rolling"
            running.kill()
            running.start()
            time.sleep(1.5)
        until(lambda: stage(running) == "completed", seconds=120, what="the end of the rollout")
        assert killed_under_way >= 2
        states = running.rows("SELECT state, count(*) FROM deployments_instance GROUP BY state")
        assert states == [("installed", DEVICES)]
        assert running.rows("SELECT status FROM deployments_deployment") == [("installed",)]
        until(lambda: nothing_left_to_say(running), seconds=30, what="the last reports")
        done = [(line.device, line.digest) for line in journal.installs(running.journal)]
        assert len(done) == len(set(done)) == DEVICES
        assert answered(running) <= kept(running)


def in_the_middle(running: Portal) -> bool:
    """Some devices are on their way, or the rollout has ended already."""
    under_way = "SELECT count(*) FROM deployments_instance WHERE state IN ('pending','installing')"
    return stage(running) == "completed" or running.number(under_way) > 0


def stage(running: Portal) -> object:
    return running.rows("SELECT stage FROM deployments_deployment")[0][0]


def nothing_left_to_say(running: Portal) -> bool:
    said = Counter(line.state for line in journal.reports(running.journal) if line.status == 200)
    return said["installed"] >= DEVICES


def answered(running: Portal) -> set[tuple[object, object]]:
    """What the fleet got a 200 for: (deployment, state)."""
    lines = journal.reports(running.journal)
    return {(line.deployment, line.state) for line in lines if line.status == 200}


def kept(running: Portal) -> set[tuple[object, object]]:
    """What the portal has in its history: (deployment, state)."""
    query = (
        "SELECT w.uid, r.state FROM deployments_statusreport r"
        " JOIN deployments_workload w ON w.id = r.workload_id"
    )
    return {(dashed(str(uid)), state) for uid, state in running.rows(query)}


def dashed(uid: str) -> str:
    """SQLite keeps UUIDs without their dashes."""
    plain = uid.replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
