"""What the web server bounds: heads that do not come, bodies and messages that are too large."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvloop
from asgiref.testing import ApplicationCommunicator
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from config.asgi import application
from config.serving import protocol
from config.serving.bodies import MOST_BYTES, BoundedBodies
from config.serving.servers import QuietServer, web_config

HEAD = b"POST /login/ HTTP/1.1\r\nHost: portal\r\n"


async def pages(scope, receive, send):
    """Reads the whole body as Django does, says how large it was, and nothing to who has left."""
    read, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        read, more = read + len(event["body"]), event.get("more_body", False)
    headers = [(b"content-length", str(len(str(read))).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(read).encode()})


async def echo(scope, receive, send):
    """A socket that answers the length of each message."""
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": str(len(event["text"]))})


async def portal(scope, receive, send):
    await (echo if scope["type"] == "websocket" else BoundedBodies(pages, 1000))(
        scope, receive, send
    )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a web server with the portal's own bounds listens."""
    server = QuietServer(web_config(portal))
    listening = socket.create_server(("127.0.0.1", 0))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        thread = threading.Thread(target=runner.run, args=(server.serve([listening]),))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@contextmanager
def connection(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as opened:
        yield opened


def answer(opened: socket.socket) -> bytes:
    """Everything until the server hangs up or has answered a number."""
    received = b""
    while chunk := opened.recv(65536):
        received += chunk
        if b"\r\n\r\n" in received and received[-1:].isdigit():
            break
    return received


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        pytest.param(b"Content-Length: 1000\r\n\r\n" + b"a" * 1000, b"200", b"1000", id="fits"),
        pytest.param(b"Content-Length: 1001\r\n\r\n", b"413", b"too large", id="announced"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n" + b"1f4\r\n" + b"a" * 500 + b"\r\n0\r\n\r\n",
            b"200",
            b"500",
            id="in pieces, fits",
        ),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n" + (b"1f4\r\n" + b"a" * 500 + b"\r\n") * 3,
            b"413",
            b"too large",
            id="in pieces, without an end",
        ),
    ],
)
def test_a_body_is_bounded(port: int, sent: bytes, status: bytes, said: bytes) -> None:
    with connection(port) as opened:
        opened.sendall(HEAD + sent)
        received = answer(opened)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert said in received


@pytest.mark.asyncio
async def test_the_portal_reads_nothing_of_what_is_larger_than_any_package() -> None:
    length = str(MOST_BYTES + 1).encode()
    scope = {"type": "http", "method": "POST", "path": "/login/", "query_string": b""}
    visitor = ApplicationCommunicator(
        application, {**scope, "headers": [(b"content-length", length)]}
    )
    assert (await visitor.receive_output(timeout=5))["status"] == 413


def test_a_message_is_bounded(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/ws/") as opened:
        opened.send("a" * 16_384)
        assert opened.recv(timeout=5) == "16384"
        opened.send("a" * 16_385)
        with pytest.raises(ConnectionClosedError, match="1009"):
            opened.recv(timeout=5)


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST / HTTP/1.1\r\nX: ", id="half a head"),
        pytest.param(HEAD + b"Content-Length: 0\r\n\r\n", id="after a request"),
    ],
)
def test_who_trickles_a_head_is_hung_up_on(
    port: int, begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    with connection(port) as opened:
        opened.sendall(begin)
        if begin.startswith(HEAD):
            assert answer(opened).startswith(b"HTTP/1.1 200")
            opened.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert hangs_up(opened, trickling=bool(begin))


def test_a_slow_body_and_a_page_with_a_socket_are_left_alone(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with connection(port) as opened, connect(f"ws://127.0.0.1:{port}/ws/") as page:
        opened.sendall(HEAD + b"Content-Length: 2\r\n\r\na")
        time.sleep(0.6)
        opened.sendall(b"a")
        assert answer(opened).endswith(b"2")
        page.send("still here")
        assert page.recv(timeout=5) == "10"


def hangs_up(opened: socket.socket, *, trickling: bool) -> bool:
    """Whether the server ends the connection within three seconds, whatever trickles in."""
    opened.settimeout(0.1)
    for _ in range(30):
        try:
            if trickling:
                opened.sendall(b"a")
            return opened.recv(1) == b""
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False
