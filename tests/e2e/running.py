"""A portal of its own for a test: real processes, real ports, a data directory that is thrown away.

With LINESIDE_DATABASE_URL and LINESIDE_REDIS_URL in the environment it runs as a process for each
part, on a PostgreSQL database of its own and on that Redis; without them it is the embedded portal.
"""

import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-long-password-for-tests-4711"
ROLES = ("viewer", "operator", "admin")
PARTS = ("web", "devices", "worker", "beat")


def until(answers: Callable[[], object], *, seconds: float, what: str) -> None:
    """Wait until it answers something true; fail with `what` after so many seconds."""
    end = time.monotonic() + seconds
    while not answers():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


@dataclass
class Portal:
    """The processes of one portal and its fleet."""

    folder: Path
    environment: dict[str, str]
    servers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    fleet: "subprocess.Popen[bytes] | None" = None
    log: list[Path] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where people reach it."""
        return self.environment["LINESIDE_URL"]

    @property
    def journal(self) -> Path:
        """What the fleet says it did."""
        return self.folder / "data" / "fleet" / "journal.jsonl"

    def manage(self, *arguments: str, given: str = "") -> str:
        """Run a maintenance command to its end and answer what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, parts: Sequence[str] = PARTS) -> None:
        """Start the server, or its parts, and wait until the sign-in page answers."""
        parts = parts if self.environment.get("LINESIDE_REDIS_URL") else ("all",)
        self.servers = [self.begin("serve", part) for part in parts]
        until(self._answers, seconds=60, what="the sign-in page")

    def kill(self) -> None:
        """End all of the server as a power cut would."""
        for server in self.servers:
            server.send_signal(signal.SIGKILL)
        for server in self.servers:
            server.wait(10)

    def start_fleet(self, *flags: str) -> None:
        """Start the simulated fleet."""
        self.fleet = self.begin("simulate_fleet", *flags)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What stands in the portal's database."""
        if address := self.environment.get("LINESIDE_DATABASE_URL"):
            with psycopg.connect(address) as connection:
                return list(connection.execute(query).fetchall())
        place = self.folder / "data" / "lineside.sqlite3"
        with sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=10) as connection:
            return list(connection.execute(query).fetchall())

    def number(self, query: str) -> int:
        """A count from the portal's database."""
        return int(str(self.rows(query)[0][0]))

    def stop(self) -> None:
        """Stop what still runs."""
        processes = [*([self.fleet] if self.fleet else []), *self.servers]
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
                continue
            process.kill()
            process.wait(5)

    def said(self) -> str:
        """All that the processes wrote."""
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in self.log)

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command that runs on, with a log of its own."""
        path = self.folder / f"{arguments[0]}-{len(self.log)}.log"
        self.log.append(path)
        with path.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own, so that the whole of it can be ended.
                start_new_session=True,
            )

    def _answers(self) -> bool:
        assert all(server.poll() is None for server in self.servers), self.said()
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/login/").status_code == 200
        return False


@contextmanager
def portal(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Portal]:
    """A portal with an identity and a person for each role, not yet started."""
    web, devices = free_ports(2)
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment = {
        **kept,
        "LINESIDE_DATA_DIR": str(folder / "data"),
        "LINESIDE_WEB_PORT": str(web),
        "LINESIDE_DEVICE_PORT": str(devices),
        "LINESIDE_URL": f"http://127.0.0.1:{web}",
        "PYTHONUNBUFFERED": "1",
        **(settings or {}),
    }
    with database(environment.get("LINESIDE_DATABASE_URL", "")) as address:
        environment["LINESIDE_DATABASE_URL"] = address
        running = Portal(folder, environment)
        running.manage("migrate", "-v0")
        running.manage("identity", "init", "--trust-domain", "plant.example")
        for role in ROLES:
            running.manage("add_user", role, "--role", role, "--password-stdin", given=PASSWORD)
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def database(address: str) -> Iterator[str]:
    """A database of its own on the server that `address` names; none for the embedded portal."""
    if not address:
        yield ""
        return
    name = f"e2e_{secrets.token_hex(6)}"
    server = urlunsplit(urlsplit(address)._replace(path="/postgres"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(address)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
