"""How fast the demo is there, what it takes, and how fast it is gone."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.e2e.running import ROOT, free_ports, until

SETTLE_SECONDS = 20


def measure() -> list[dict[str, object]]:
    """A first start on an empty data directory, and a second one on what it left."""
    with tempfile.TemporaryDirectory() as folder:
        first, second = run(Path(folder)), run(Path(folder))
    return [
        {"what": "first start to a page that answers, s", "measured": first[0], "aim": "<= 20"},
        {"what": "second start, s", "measured": second[0], "aim": "<= 20"},
        {"what": "memory of the whole process tree (PSS), MB", "measured": first[1], "aim": "<400"},
        {"what": "Ctrl-C until everything is gone, s", "measured": first[2], "aim": "<= 5"},
    ]


def run(folder: Path) -> tuple[float, float, float]:
    """Seconds to the page, megabytes after a while, seconds from Ctrl-C to the end."""
    web, devices = free_ports(2)
    settings = {
        "LINESIDE_DATA_DIR": str(folder),
        "LINESIDE_WEB_PORT": str(web),
        "LINESIDE_DEVICE_PORT": str(devices),
    }
    begun = time.monotonic()
    demo = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: answers(f"http://127.0.0.1:{web}/login/"), seconds=80, what="the page")
    started = time.monotonic() - begun
    time.sleep(SETTLE_SECONDS)
    memory = sum(pss(process) for process in tree(demo.pid))
    ending = time.monotonic()
    os.killpg(demo.pid, signal.SIGINT)
    demo.wait(30)
    return round(started, 1), round(memory, 1), round(time.monotonic() - ending, 1)


def answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def tree(root: int) -> list[int]:
    """The process and all it started."""
    children = Path(f"/proc/{root}/task")
    found = [root]
    for task in children.iterdir():
        for child in (task / "children").read_text().split():
            found += tree(int(child))
    return found


def pss(process: int) -> float:
    """Megabytes of memory, shared pages counted in proportion."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
