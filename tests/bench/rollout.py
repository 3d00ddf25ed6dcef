"""How long a rollout takes over mutual TLS, from Start to the last device's report."""

import tempfile
import time
from pathlib import Path

from tests.e2e.running import Portal, portal, until
from tests.e2e.starting import START

SIZES = (20, 200)
POLL_SECONDS = 2


def measure() -> list[dict[str, object]]:
    """One row for each size of the fleet."""
    aims = {20: "<= 30"}
    return [
        {
            "what": f"{size} devices, polling each {POLL_SECONDS} s: all installed after, s",
            "measured": run(size),
            "aim": aims.get(size, ""),
        }
        for size in SIZES
    ]


def run(size: int) -> float:
    """Seconds until all are installed."""
    with tempfile.TemporaryDirectory() as folder, portal(Path(folder)) as running:
        running.manage("import_application", "examples/node-red")
        running.start()
        running.start_fleet("--devices", str(size), "--poll-seconds", str(POLL_SECONDS))
        until(lambda: reported(running) == size, seconds=120, what="all devices reporting")
        begun = time.monotonic()
        running.manage("shell", "-c", START)
        until(lambda: completed(running), seconds=300, what="the end of the rollout")
        return round(time.monotonic() - begun, 1)


def reported(running: Portal) -> int:
    """How many devices have told what they can do."""
    return running.number("SELECT count(*) FROM devices_device")


def completed(running: Portal) -> bool:
    """Whether the rollout has ended."""
    return running.rows("SELECT stage FROM deployments_deployment") == [("completed",)]
