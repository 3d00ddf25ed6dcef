"""Who gets through to the device interface, and how a connection ends."""

import asyncio
import contextlib
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from devices.identity import bundle, certificates, files
from devices.identity.authority import Authority, new_key
from devices.models import Client
from devices.southbound.application import application
from devices.southbound.http import Answer, Request
from devices.southbound.listener import DeviceConfig, DeviceServer, ListenerError, device_server
from devices.southbound.routing import Route
from tests.devices.certs import ca, certificate, uris, usage
from tests.wire import LOOPS, Wire, hung_up, reloading, wired

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "spiffe://plant.example/margo/wfm/hall-7"


def whoami(request: Request) -> Answer:
    return Answer(200, f"{request.spiffe_id} {len(request.body)}".encode())


def slowly(request: Request) -> Answer:
    time.sleep(0.5)
    return whoami(request)


ROUTES = [
    Route("GET", "/who", whoami),
    Route("POST", "/who", whoami),
    Route("GET", "/slowly", slowly),
]


def forged(wire: Wire, *extensions: x509.ExtensionType, **how: datetime) -> httpx.Client:
    """Return a client whose certificate the authority signed without looking at it."""
    key = new_key()
    leaf = certificate(
        *extensions,
        key=key.public_key(),
        issuer=wire.authority.certificate,
        issuer_key=wire.authority.key,
        **how,
    )
    return wire.client_with(files.pem_of_key(key), files.pem(leaf))


@contextmanager
def raw(wire: Wire, name: str = "line-4") -> Iterator[ssl.SSLSocket]:
    """Open a bare connection as an accepted client."""
    wire.accept(name)
    key = new_key()
    svid = wire.authority.issue(name, key.public_key(), now=datetime.now(UTC))
    context = wire.context(files.pem_of_key(key), svid.chain_pem)
    with (
        socket.create_connection(("127.0.0.1", wire.server.port), timeout=10) as plain,
        context.wrap_socket(plain) as connection,
    ):
        yield connection


def read_all(connection: ssl.SSLSocket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_an_accepted_client_is_known_by_its_certificate(tmp_path: Path, loop: str) -> None:
    with wired(tmp_path, ROUTES, loop=loop) as wire, wire.client("line-4") as client:
        for _ in range(3):
            assert client.get("/who").text == f"{BASE}/client/line-4 0"


@pytest.mark.parametrize("loop", sorted(LOOPS))
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("spiffe://other.example/margo/wfm/hall-7/client/c", id="other trust domain"),
        pytest.param("spiffe://plant.example/margo/wfm/hall-8/client/c", id="other manager"),
        pytest.param(BASE, id="a portal"),
        pytest.param(f"{BASE}/client/a/b", id="another shape"),
        pytest.param("https://plant.example/margo/wfm/hall-7/client/c", id="another scheme"),
    ],
)
def test_a_certificate_of_the_authority_for_anything_else_gets_no_answer(
    tmp_path: Path, loop: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with wired(tmp_path, ROUTES, loop=loop) as wire:
        with forged(wire, uris(name), ca(yes=False), usage()) as client:
            assert hung_up(client, "/who")
        assert not Client.objects.exists()
    assert caplog.text.count("is rejected") == 1
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param([ca(yes=False), usage()], id="no name"),
        pytest.param([uris(f"{BASE}/client/c", f"{BASE}/client/d"), usage()], id="two names"),
        pytest.param(
            [uris(f"{BASE}/client/c"), ca(yes=True), usage(cert_sign=True)], id="an authority"
        ),
        pytest.param([uris(f"{BASE}/client/c"), usage(crl_sign=True)], id="signs lists"),
    ],
)
def test_a_leaf_that_breaks_the_profile_gets_no_answer(
    wire: Wire, extensions: list[x509.ExtensionType]
) -> None:
    with forged(wire, *extensions) as client:
        assert hung_up(client, "/who")


def test_an_expired_certificate_gets_no_answer(wire: Wire) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    begin = past - timedelta(days=1)
    with forged(wire, uris(f"{BASE}/client/c"), usage(), begin=begin, end=past) as client:
        assert hung_up(client, "/who")


def test_a_stranger_and_a_nobody_get_no_answer(wire: Wire, tmp_path: Path) -> None:
    stranger = Authority.create(
        tmp_path / "stranger", trust_domain="plant.example", wfm_id="hall-7", now=datetime.now(UTC)
    )
    key = new_key()
    svid = stranger.issue("line-4", key.public_key(), now=datetime.now(UTC))
    with wire.client_with(files.pem_of_key(key), svid.chain_pem) as client:
        assert hung_up(client, "/who")
    with httpx.Client(base_url=wire.url, verify=wire.context()) as nobody:
        assert hung_up(nobody, "/who")


def test_plain_http_gets_no_answer(wire: Wire) -> None:
    with httpx.Client(base_url=wire.url.replace("https", "http")) as client:
        assert hung_up(client, "/who")


def test_a_certificate_that_ends_ends_its_connection(wire: Wire) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3)
    wire.accept("c")
    with forged(wire, uris(f"{BASE}/client/c"), usage(), end=soon) as client:
        assert client.get("/who").status_code == 200
        time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 1)
        assert hung_up(client, "/who")


def test_a_connection_has_a_greatest_age(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES, max_age_seconds=0.3) as wire, raw(wire) as connection:
        connection.sendall(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 200 " in read_all(connection)


@pytest.mark.parametrize("loop", sorted(LOOPS))
@pytest.mark.parametrize("before", [b"", b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_a_client_that_trickles_a_head_is_hung_up_on(
    tmp_path: Path, loop: str, before: bytes
) -> None:
    with wired(tmp_path, ROUTES, loop=loop, head_seconds=0.5) as wire, raw(wire) as connection:
        connection.sendall(before + b"GET /who HTTP/1.1\r\nHost: a\r\nX: ")
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 5:
                connection.sendall(b"a")
                time.sleep(0.05)
        assert time.monotonic() - began < 3


def test_a_body_may_take_longer_than_a_head(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES, head_seconds=0.3) as wire, raw(wire) as connection:
        connection.sendall(b"POST /who HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
        time.sleep(0.8)
        connection.sendall(b"a")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_the_response_under_way_is_finished_first(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES, max_age_seconds=0.2) as wire, raw(wire) as connection:
        connection.sendall(b"GET /slowly HTTP/1.1\r\nHost: a\r\n\r\n")
        assert read_all(connection).endswith(b"/client/line-4 0")


def test_changed_anchors_end_connections_and_refuse_what_they_vouched_for(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES) as wire, wire.client("line-4") as client:
        assert client.get("/who").status_code == 200
        other = certificates.root(
            new_key(), "plant.example", now=datetime.now(UTC), lifetime=timedelta(days=1)
        )
        files.write(wire.authority.directory / "bundle.json", bundle.spell([other]))
        time.sleep(2.5)
        assert hung_up(client, "/who")
        assert hung_up(client, "/who")


@pytest.mark.parametrize(
    "request_line",
    [b"GET /who HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"A" * 40_000],
)
def test_what_is_no_http_gets_a_problem_and_the_door(wire: Wire, request_line: bytes) -> None:
    with raw(wire) as connection:
        connection.sendall(request_line)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


def test_a_whole_url_in_the_request_line_is_understood(wire: Wire) -> None:
    with raw(wire) as connection:
        connection.sendall(b"GET https://a/who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"line-4 0" in read_all(connection)


def test_requests_may_be_sent_ahead(wire: Wire) -> None:
    with raw(wire) as connection:
        one = b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n"
        connection.sendall(one + one + one.replace(b"Host", b"Connection: close\r\nHost"))
        assert read_all(connection).count(b" 200 ") == 3


def test_a_client_that_waits_to_be_told_is_told(wire: Wire) -> None:
    with raw(wire) as connection:
        connection.sendall(
            b"POST /who HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\n\r\n"
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(b"body")
        assert b"line-4 4" in read_all(connection)


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with raw(wire) as connection:
            connection.sendall(b"POST /who HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\nhalf")
    with wire.client("line-5") as client:
        assert client.get("/who").status_code == 200
    assert "Traceback" not in caplog.text


def sent_before_the_door_closed(connection: ssl.SSLSocket, chunk: bytes) -> int:
    sent = 0
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while sent < 1000:
            connection.sendall(chunk)
            sent += 1
    return sent


def test_a_body_without_end_is_not_read_for_ever(wire: Wire) -> None:
    with raw(wire) as connection:
        connection.sendall(b"POST /who HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert sent_before_the_door_closed(connection, b"10000\r\n%s\r\n" % (b"x" * 65536)) < 1000


def test_a_taken_port_is_a_sentence(wire: Wire) -> None:
    server = device_server(
        application([]),
        host="127.0.0.1",
        port=wire.server.port,
        tls=reloading(wire.authority.directory),
    )
    caught: list[BaseException] = []

    def serve() -> None:
        try:
            server.run()
        except ListenerError as refusal:
            caught.append(refusal)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(10)
    assert "Devices cannot be served on 127.0.0.1" in str(caught[0])


class Watched(DeviceServer):
    """A device server that notes who has the signals while it runs, and stops at once."""

    handlers: tuple[object, object] | None = None

    async def on_tick(self, counter: int) -> bool:
        self.handlers = handlers()
        return True


def handlers() -> tuple[object, object]:
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


def test_the_signals_stay_with_whoever_runs_the_loop(wire: Wire) -> None:
    config = DeviceConfig(
        application([]),
        host="127.0.0.1",
        port=0,
        tls=reloading(wire.authority.directory),
        max_age_seconds=1,
    )
    server = Watched(config)
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(server.serve())
        loop.run_until_complete(loop.shutdown_default_executor())
    assert server.handlers == handlers()


def test_presence_and_the_certificates_end_are_written_behind(tmp_path: Path) -> None:
    with wired(tmp_path, ROUTES) as wire, wire.client("line-4") as client:
        client.get("/who")
    row = Client.objects.get()
    assert row.last_seen_at is not None
    assert row.svid_not_after is not None
    assert row.svid_not_after > datetime.now(UTC) + timedelta(days=80)
