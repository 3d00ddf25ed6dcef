"""The servers that a measurement runs against: PostgreSQL, Redis, and the portal's workers."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from tests.e2e.running import ROOT, database, free_ports, until

#: More memory than PostgreSQL's own 128 MB, as on any server that is not a demo.
OPTIONS = ("-c", "fsync=on", "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB")


class Served(NamedTuple):
    """A part of the portal that runs."""

    part: str
    log: Path
    pid: int


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a database of one's own, on the server that is given or on a private one."""
    given = os.environ.get("LINESIDE_DATABASE_URL", "")
    if given.startswith("postgres"):
        with database(given) as address:
            yield address
        return
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "data").mkdir()
        command = [str(ROOT / ".ci" / "postgresql"), str(place / "data"), str(port), *OPTIONS]
        with running(command, place / "log"):
            server = f"postgres://lineside@127.0.0.1:{port}/postgres"
            until(lambda: answers(server), seconds=60, what="PostgreSQL")
            with database(server) as address:
                yield address


@contextmanager
def redis() -> Iterator[str]:
    """The address of a Redis of one's own; empty where none is installed."""
    if shutil.which("redis-server") is None:
        yield ""
        return
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as name:
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with running([*command, "--dir", name], Path(name) / "log"):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def workers() -> Iterator[None]:
    """A worker and a beat, as processes of their own, as in production."""
    with served("worker", "beat") as (worker, _):
        until(worker.log.read_text, seconds=60, what="the worker's first line")
        yield


@contextmanager
def served(*parts: str) -> Iterator[list[Served]]:
    """Parts of the portal, as processes of their own, as in production."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lineside-bench-")))
        yield [
            Served(part, place / part, stack.enter_context(running(_serve(part), place / part)))
            for part in parts
        ]


def _serve(part: str) -> list[str]:
    return [sys.executable, "manage.py", "serve", part]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[int]:
    """A server process while it is needed; its number."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield server.pid
    except AssertionError as problem:
        problem.add_note(log.read_text(errors="replace")[-2000:])
        raise
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def answers(address: str) -> bool:
    """Whether PostgreSQL lets us in."""
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def described(address: str) -> str:
    """The server in words, with the settings that matter here."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
    with psycopg.connect(address) as connection:
        told = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}
    version = told.pop("server_version").split()[0]
    return f"PostgreSQL {version} ({' '.join(f'{name}={value}' for name, value in told.items())})"
