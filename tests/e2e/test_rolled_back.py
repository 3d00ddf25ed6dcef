"""A bad version goes out over mutual TLS to a real fleet and is undone by itself."""

import json

import pytest

from devices.simulator import journal
from tests.e2e.running import Portal, portal, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DEVICES = 12
#: For `manage.py shell -c`: rolls a version out to all devices and says which deployment it is.
ROLL_OUT = """
from django.utils import timezone
from applications.models import ApplicationVersion
from deployments import drafting, moves, submitting
now = timezone.now()
version = ApplicationVersion.objects.get(version={version!r})
draft = drafting.create(version=version, profile_id=version.profiles[0]["id"], name={version!r},
    actor=None, now=now, targeting={{"labels": "!none"}})
drafting.set_rollout(draft, {strategy!r}, actor=None, now=now)
submitting.submit(draft, actor=None, now=now)
moves.start(draft, actor=None, now=now)
"""


def roll_out(running: Portal, version: str, **strategy: object) -> None:
    running.manage("shell", "-c", ROLL_OUT.format(version=version, strategy=strategy))


def stage(running: Portal, version: str) -> str:
    query = f"SELECT stage FROM deployments_deployment WHERE name = '{version}'"
    return str(running.rows(query)[0][0])


def states(running: Portal, version: str) -> dict[object, object]:
    return dict(
        running.rows(
            "SELECT i.state, count(*) FROM deployments_instance i JOIN deployments_deployment d"
            f" ON d.id = i.deployment_id WHERE d.name = '{version}' GROUP BY i.state"
        )
    )


def test_a_bad_version_is_undone_and_every_device_runs_what_it_ran_before(tmp_path):
    with portal(tmp_path) as running:
        running.manage("import_application", "examples/node-red", "examples/node-red-next")
        good, bad = versions(running)
        running.start()
        running.start_fleet(
            *("--devices", str(DEVICES), "--poll-seconds", "1"),
            *("--download-seconds", "0.5", "--install-seconds", "1"),
            *("--fail", f"version={bad}:1"),
        )
        devices = "SELECT count(*) FROM devices_device"
        until(lambda: running.number(devices) == DEVICES, seconds=60, what="all devices")
        roll_out(running, good)
        until(lambda: stage(running, good) == "completed", seconds=90, what="the good version")
        # Four devices first; more than one failure undoes it, so most never hear of it.
        canary = {"kind": "canary", "canary_by": "count", "canary_count": 4}
        roll_out(running, bad, **canary, max_failures=4, rollback_count=1)
        until(lambda: stage(running, bad) == "rolled_back", seconds=90, what="the way back")
        assert states(running, bad) == {"removed": 4, "cancelled": DEVICES - 4}
        assert running.rows(
            "SELECT version, count(*) FROM deployments_workload w"
            " JOIN deployments_revision r ON r.id = w.installed_id"
            " JOIN applications_applicationversion v ON v.id = r.version_id GROUP BY version"
        ) == [(good, DEVICES)]
        tried = {line.device for line in journal.installs(running.journal)}
        assert len(tried) == DEVICES
        explained = json.loads(running.manage("explain", bad, "--json"))
        assert (explained["stage"], explained["waiting_for"]) == ("rolled_back", [])


def versions(running: Portal) -> tuple[str, str]:
    """The good version and the bad one."""
    query = "SELECT version FROM applications_applicationversion ORDER BY version"
    first, second = [str(version) for (version,) in running.rows(query)]
    return first, second
