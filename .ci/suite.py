#!/usr/bin/env python3
"""Runs the tests: on SQLite and in memory, then, where they are given, on PostgreSQL and Redis.

LINESIDE_TEST_DATABASE_URL names the PostgreSQL server and LINESIDE_TEST_REDIS_URL one Redis server
for each test process, separated by spaces: what is published in one is heard in all its databases.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# More processes than this only wait for each other's browsers and servers.
MOST_PROCESSES = 4


def main(arguments: list[str]) -> int:
    """Run the suite once or twice; a run that fails is the last, and its line the closing one."""
    with tempfile.TemporaryDirectory(prefix="lineside-test-") as name:
        place = Path(name)
        processes = min(MOST_PROCESSES, os.cpu_count() or 1)
        say("The tests on SQLite, with everything in memory:")
        failed = run({}, processes, place, arguments)
        servers = {
            "LINESIDE_TEST_DATABASE_URL": os.environ.get("LINESIDE_TEST_DATABASE_URL", ""),
            "LINESIDE_TEST_REDIS_URL": os.environ.get("LINESIDE_TEST_REDIS_URL", ""),
        }
        if failed or not servers["LINESIDE_TEST_DATABASE_URL"]:
            return failed
        processes = len(servers["LINESIDE_TEST_REDIS_URL"].split())
        say("The tests on PostgreSQL with Redis:")
        servers["LINESIDE_DATABASE_URL"] = servers["LINESIDE_TEST_DATABASE_URL"]
        return run(servers, processes, place, arguments)


def run(servers: dict[str, str], processes: int, place: Path, arguments: list[str]) -> int:
    """Run every test against these servers, in a data directory that is thrown away."""
    # A person's own settings must not leak into the tests, nor the tests into their data.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")}
    surroundings = {
        **clean,
        **servers,
        "LINESIDE_DATA_DIR": tempfile.mkdtemp(dir=place),
        "PYTHONPATH": str(ROOT),
    }
    pytest = [sys.executable, "-m", "pytest", "-p", "tests.run_rules", f"--counts={place / 'ran'}"]
    spread = ["-n", str(processes), "--dist", "loadfile"] if processes > 1 else []
    command = [*pytest, *spread, *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, env=surroundings).returncode


def say(line: str) -> None:
    """Tell the person which run the lines below belong to."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
