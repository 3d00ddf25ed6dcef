"""`manage.py serve`: starts, answers, refuses with a sentence, and stops in time."""

import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.house.processes import Started, free_ports, manage, started, surroundings

EVERYTHING_RUNS = "The beat runs."


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An embedded portal that is ready to be served."""
    web, devices = free_ports(2)
    ready = surroundings(
        tmp_path_factory.mktemp("serve") / "data",
        LINESIDE_WEB_PORT=str(web),
        LINESIDE_DEVICE_PORT=str(devices),
    )
    for words in (["migrate", "-v0"], ["identity", "init"]):
        done = manage(ready, *words)
        assert done.returncode == 0, done.stderr
    return ready


@pytest.fixture
def serving(environment: dict[str, str], tmp_path: Path) -> Iterator[Started]:
    with started(environment, tmp_path / "log", "serve") as running:
        running.says(EVERYTHING_RUNS, within_seconds=30)
        yield running


def url(environment: dict[str, str]) -> str:
    return f"http://127.0.0.1:{environment['LINESIDE_WEB_PORT']}"


def test_everything_runs_in_one_process(environment: dict[str, str], serving: Started) -> None:
    assert httpx.get(f"{url(environment)}/login/").status_code == 200
    said = serving.said()
    for part in ("web server", "device listener", "worker", "beat"):
        assert f"The {part} runs" in said
    assert serving.tree() == [serving.process.pid]


def test_a_visitor_without_a_certificate_gets_no_answer_from_the_device_listener(
    environment: dict[str, str], serving: Started
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = ("127.0.0.1", int(environment["LINESIDE_DEVICE_PORT"]))
    answer = b""
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain) as secured,
        suppress(OSError),
    ):
        secured.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = secured.recv(1)
    assert answer == b""
    assert serving.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_within_five_seconds(
    serving: Started, number: signal.Signals
) -> None:
    code, seconds = serving.signalled(number)
    assert code == 0
    assert seconds < 5
    assert "Traceback" not in serving.said()


def test_an_open_page_does_not_keep_it_from_stopping(
    environment: dict[str, str], serving: Started
) -> None:
    address = ("127.0.0.1", int(environment["LINESIDE_WEB_PORT"]))
    with socket.create_connection(address) as idle:
        idle.sendall(b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        code, seconds = serving.signalled(signal.SIGTERM)
    assert code == 0
    assert seconds < 5


@pytest.mark.parametrize(
    ("setting", "port_of"),
    [
        pytest.param("LINESIDE_WEB_PORT", "pages", id="the portal's"),
        pytest.param("LINESIDE_DEVICE_PORT", "devices", id="the device interface's"),
    ],
)
def test_a_taken_port_is_named_with_the_setting_that_moves_it(
    environment: dict[str, str], setting: str, port_of: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = manage({**environment, setting: port}, "serve")
    assert done.returncode == 1, port_of
    assert done.stderr == (
        f"CommandError: Port {port} on 127.0.0.1 cannot be had (Address already in use): stop the "
        f"program that uses it, or set {setting} to another port.\n"
    )


def test_an_old_database_is_refused(tmp_path: Path) -> None:
    done = manage(surroundings(tmp_path), "serve")
    assert done.returncode == 1
    assert "migrations: run `manage.py migrate`, then again." in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_portal_without_an_identity_is_refused(tmp_path: Path) -> None:
    environment = surroundings(tmp_path, LINESIDE_WEB_PORT=str(free_ports(1)[0]))
    assert manage(environment, "migrate", "-v0").returncode == 0
    done = manage(environment, "serve")
    assert done.returncode == 1
    assert "manage.py identity init" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("part", ["web", "devices", "worker", "beat"])
def test_a_part_alone_needs_redis_to_meet_the_others(
    environment: dict[str, str], part: str
) -> None:
    done = manage(environment, "serve", part)
    assert done.returncode == 1
    assert "set LINESIDE_REDIS_URL" in done.stderr


def test_a_second_signal_ends_it_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    with started(environment, tmp_path / "log", "serve") as running:
        running.says(EVERYTHING_RUNS, within_seconds=30)
        os.kill(running.process.pid, signal.SIGTERM)
        _, seconds = running.signalled(signal.SIGINT)
    assert seconds < 1
