"""The device interface as an ASGI application: from a connection's identity to an answer."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

from asgiref.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    LifespanScope,
    Scope,
)
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.utils import timezone

from devices import presence
from devices.models import Client
from devices.southbound.http import Answer, Request
from devices.southbound.peers import Peer
from devices.southbound.problems import Kind, ProblemError, problem
from devices.southbound.routing import Route, RouteTable

_logger = logging.getLogger(__name__)

_THREADS = 8
_MAX_WAITING = 1000
_BODY_SECONDS = 30
_FLUSH_SECONDS = 3
_STOP_SECONDS = 5


class ClientGoneError(Exception):
    """The client hung up before its request was whole; nobody is left to answer."""


class DeviceInterface:
    """Answers devices; the listener has put the `Peer` of the connection into the scope."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._table = RouteTable(routes)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="device-request")
        self._waiting = 0

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve one request, or the start and stop of the server."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] == "http":
            with contextlib.suppress(ClientGoneError):
                await _send(send, await self._answer(scope, receive))

    async def _answer(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> Answer:
        path = _path(scope)
        try:
            route, params = self._table.find(scope["method"], path)
            headers = _headers(scope)
            body = await _body(receive, headers, route.body_limit_bytes)
            peer = _peer(scope)
            return await self._in_thread(
                lambda: _serve(peer, route, scope["method"], path, params, headers, body)
            )
        except ProblemError as refusal:
            return problem(refusal, path)

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        if self._waiting >= _MAX_WAITING:
            raise ProblemError(503, "The server has too much to do just now.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    async def _live(
        self, scope: LifespanScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        flushing = asyncio.create_task(self._flush_for_ever())
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        flushing.cancel()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, _flush)
        await loop.run_in_executor(None, self._stop)
        await send({"type": "lifespan.shutdown.complete"})

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await asyncio.get_running_loop().run_in_executor(self._threads, _flush)

    def _stop(self) -> None:
        """Close the connections of every thread: one left open would outlive its database."""
        all_there = Barrier(_THREADS)
        for _ in range(_THREADS):
            self._threads.submit(_close_connections, all_there)
        self._threads.shutdown()


def application(routes: Iterable[Route]) -> DeviceInterface:
    """Make the device interface from the routes of the apps that have a part in it."""
    return DeviceInterface(routes)


def _serve(
    peer: Peer,
    route: Route,
    method: str,
    path: str,
    params: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
) -> Answer:
    """Ask the policy and the handler, in a thread; every mishap becomes a problem document."""
    close_old_connections()
    now = timezone.now()
    try:
        client = _accepted(peer)
        expiry = peer.not_after if client.svid_not_after != peer.not_after else None
        presence.seen(client.pk, now, svid_not_after=expiry)
        return route.handler(
            Request(method, path, params, headers, body, client, peer.spiffe_id, now)
        )
    except ProblemError:
        raise
    except (OperationalError, InterfaceError) as error:
        # Busy or away: nothing that the device did, so it may simply come again.
        _logger.warning("%s %s is put off, the database says: %s", method, path, error)
        raise ProblemError(503, "The server cannot answer just now.") from error
    except Exception as error:
        _logger.exception("%s %s of %s failed", method, path, peer.spiffe_id)
        raise ProblemError(500, "The server could not answer this request.") from error
    finally:
        close_old_connections()


def _accepted(peer: Peer) -> Client:
    """Return the caller's row; raise 403 unless the operator has accepted it (at each request)."""
    client = Client.objects.filter(spiffe_id=peer.spiffe_id).first()
    if client is None:
        raise ProblemError(Kind.NOT_AUTHORIZED, "This client is not known here.")
    if client.state == Client.State.RETIRED:
        raise ProblemError(
            Kind.NOT_AUTHORIZED,
            "This client was retired by the operator.",
            title="Client Relationship Retired",
        )
    if client.state != Client.State.ACCEPTED:
        raise ProblemError(Kind.NOT_AUTHORIZED, "This client was not accepted yet.")
    return client


def _peer(scope: HTTPScope) -> Peer:
    peer = (scope.get("state") or {}).get("peer")
    # Served by anything but the device listener there is no identity, so there is no answer.
    if not isinstance(peer, Peer):
        raise ProblemError(Kind.NOT_AUTHORIZED, "The connection proves no identity.")
    return peer


def _path(scope: HTTPScope) -> str:
    """Return the path as it was sent, also when the request line had a whole URL in it."""
    raw = scope["raw_path"].decode("ascii", errors="replace")
    if raw.startswith(("http://", "https://")):
        _, _, raw = raw.partition("://")
        return "/" + raw.partition("/")[2]
    return raw


def _headers(scope: HTTPScope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(
    receive: ASGIReceiveCallable, headers: Mapping[str, str], limit_bytes: int
) -> bytes:
    """Collect the body, chunked or not; refuse one that is too large as soon as that is known."""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await _collect(receive, limit_bytes)
    except TimeoutError:
        raise ProblemError(
            408, "The body took too long to arrive.", headers={"Connection": "close"}
        ) from None


async def _collect(receive: ASGIReceiveCallable, limit_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        body += message["body"]
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
        if not message["more_body"]:
            return bytes(body)


def _too_large(limit_bytes: int) -> ProblemError:
    return ProblemError(413, f"The body is larger than {limit_bytes} bytes.")


async def _send(send: ASGISendCallable, answer: Answer) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.status not in {204, 304}:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": headers,
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _flush() -> None:
    close_old_connections()
    try:
        presence.flush()
    except (OperationalError, InterfaceError) as error:
        _logger.warning("When devices were last seen is written later: %s", error)
    except Exception:
        _logger.exception("When devices were last seen could not be written")
    finally:
        close_old_connections()


def _close_connections(all_there: Barrier) -> None:
    # Each thread waits for the others, so that every one of them gets one of these jobs.
    with contextlib.suppress(BrokenBarrierError):
        all_there.wait(_STOP_SECONDS)
    connections.close_all()
