"""Real processes for the tests of what people type: their surroundings, output and memory."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def surroundings(data_dir: Path, **settings: str) -> dict[str, str]:
    """This environment without what it says about Lineside, with a data directory of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")}
    for name in ("DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER", "COV_CORE_SOURCE"):
        clean.pop(name, None)
    return {**clean, "PYTHONUNBUFFERED": "1", "LINESIDE_DATA_DIR": str(data_dir), **settings}


def manage(environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


class Started:
    """A command that runs, and what it has said."""

    def __init__(self, environment: Mapping[str, str], log: Path, *words: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        """All that it has written."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def says(self, words: str, *, within_seconds: float) -> str:
        """Wait until it has written these words, and return all it has written."""
        end = time.monotonic() + within_seconds
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)
        return self.said()

    def signalled(self, number: int, *, whole_group: bool = False) -> tuple[int, float]:
        """Send a signal, and return the exit code and the seconds until the end."""
        begun = time.monotonic()
        if whole_group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        code = self.process.wait(30)
        return code, time.monotonic() - begun

    def tree(self) -> list[int]:
        """The process and all that descend from it."""
        parents = dict(_processes())
        found = [self.process.pid]
        for pid in found:
            found.extend(child for child, parent in parents.items() if parent == pid)
        return found

    def megabytes(self) -> float:
        """The memory of the whole tree, each page counted once (PSS)."""
        return sum(_proportional_kilobytes(pid) for pid in self.tree()) / 1024


@contextmanager
def started(environment: Mapping[str, str], log: Path, *words: str) -> Iterator[Started]:
    """Run a command for a while; whatever is left of it at the end is killed."""
    running = Started(environment, log, *words)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait(10)


def alive(pids: list[int]) -> list[int]:
    """Those of the processes that have not ended; zombies have."""
    return [pid for pid in pids if _state(pid) not in {"", "Z"}]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _processes() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(stat.parent.name), int(after_name[1])


def _proportional_kilobytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found.group(1)) if found else 0
