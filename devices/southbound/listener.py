"""The listener of the device interface: mutual TLS, one identity per connection."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from devices.identity.errors import RejectedClientError
from devices.identity.tls import ReloadingContext
from devices.southbound.application import DeviceInterface
from devices.southbound.peers import Gate, Peer
from devices.southbound.problems import Kind, ProblemError, problem

_logger = logging.getLogger(__name__)

_MAX_AGE_SECONDS = 3600.0
_KEEP_ALIVE_SECONDS = 15
_HEAD_SECONDS = 15.0
_GRACE_SECONDS = 5
_MAX_HEAD_BYTES = 16 * 1024
_MAX_DISCARDED_BYTES = 16 * 1024 * 1024


class ListenerError(Exception):
    """The listener cannot start, and why."""


class DeviceConfig(uvicorn.Config):
    """What uvicorn shall do, and what our protocol needs to know besides."""

    def __init__(
        self,
        app: DeviceInterface,
        *,
        host: str,
        port: int,
        tls: ReloadingContext,
        max_age_seconds: float,
        head_seconds: float = _HEAD_SECONDS,
    ) -> None:
        super().__init__(
            app,
            host=host,
            port=port,
            http=DeviceProtocol,
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            # Nobody stands between us and the devices, so nobody may say who they are.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
            ssl_context_factory=lambda _config, _default: tls,
        )
        self.tls = tls
        self.max_age_seconds = max_age_seconds
        self.head_seconds = head_seconds
        self.gate = Gate()


class DeviceProtocol(H11Protocol):
    """HTTP/1.1 for peers that prove a client's identity; others are hung up on without a word.

    A connection ends after a while, at the latest with the certificate that opened it, and when
    the portal's anchors or its own certificate have changed: what a handshake proved does not
    last for ever (Margo: TLS requirements, session lifetime).
    """

    config: DeviceConfig

    def __init__(
        self,
        config: DeviceConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._admitted = False
        self._generation = config.tls.generation
        self._discarded_bytes = 0
        self._end: asyncio.TimerHandle | None = None
        self._head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look at the peer's certificate before a byte of HTTP is read."""
        super().connection_made(cast("asyncio.Transport", transport))
        now = datetime.now(UTC)
        try:
            peer = self.config.gate.admit(transport, self.config.tls.portal, now)
        except RejectedClientError as refusal:
            _logger.warning("A connection from %s is rejected: %s", self.client, refusal)
            self.transport.abort()
            return
        self._admitted = True
        self.app_state = {**self.app_state, "peer": peer}
        self._limit_age(peer, now)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._end, self._head):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, if the peer was admitted and what admitted it still holds."""
        self.config.tls.refresh()
        outdated = self._generation != self.config.tls.generation
        if not self._admitted or outdated or self._too_much_discarded(data):
            self.transport.abort()
            return
        super().data_received(data)
        self._limit_head()

    def shutdown(self) -> None:
        """Close now if idle, else after the response that is under way."""
        if not self.transport.is_closing():
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is no HTTP."""
        refusal = ProblemError(Kind.INVALID_REQUEST, msg, headers={"Connection": "close"})
        answer = problem(refusal, "/")
        with contextlib.suppress(h11.LocalProtocolError):
            head = h11.Response(status_code=answer.status, headers=list(answer.headers.items()))
            self.transport.write(self.conn.send(head) or b"")
            self.transport.write(self.conn.send(h11.Data(data=answer.body)) or b"")
            self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
        self.transport.close()

    def _limit_age(self, peer: Peer, now: datetime) -> None:
        certificate_seconds = (peer.not_after - now).total_seconds()
        seconds = max(0.0, min(self.config.max_age_seconds, certificate_seconds))
        self._end = self.loop.call_later(seconds, self.shutdown)

    def _limit_head(self) -> None:
        """Bound the time from a request's first byte, with which keep-alive ends, to its head."""
        incomplete = self.conn.their_state is h11.IDLE
        if incomplete and self._head is None:
            # Not closed in good order, for which TLS would wait for the peer's own goodbye.
            self._head = self.loop.call_later(self.config.head_seconds, self.transport.abort)
        elif not incomplete and self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_much_discarded(self, data: bytes) -> bool:
        """Bound what is read and thrown away after a body was refused for its size."""
        answered = self.cycle is not None and self.cycle.response_complete
        if not answered or self.conn.their_state is not h11.SEND_BODY:
            self._discarded_bytes = 0
            return False
        self._discarded_bytes += len(data)
        return self._discarded_bytes > _MAX_DISCARDED_BYTES


class DeviceServer(uvicorn.Server):
    """A server that lives in somebody else's event loop and leaves the signals to them.

    Stop it with `should_exit = True`.
    """

    def __init__(self, config: DeviceConfig) -> None:
        super().__init__(config)
        self.port = config.port
        """The port in use once started; with port 0 the system has chosen it."""

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen until told to stop; raise `ListenerError` when the address cannot be had."""
        listening = sockets or [self._bind()]
        self.port = listening[0].getsockname()[1]
        await super().serve(listening)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    def _bind(self) -> socket.socket:
        host, port = self.config.host, self.config.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ListenerError(
                f"Devices cannot be served on {host}:{port}: {error.strerror or error}."
            ) from error
        return listening


def device_server(
    app: DeviceInterface,
    *,
    host: str,
    port: int,
    tls: ReloadingContext,
    max_age_seconds: float = _MAX_AGE_SECONDS,
    head_seconds: float = _HEAD_SECONDS,
) -> DeviceServer:
    """Make the server of the device interface, to be run with `await server.serve()`.

    A connection lives for `max_age_seconds` at the most, and is ended when the head of a request
    is not whole `head_seconds` after its first byte.
    """
    return DeviceServer(
        DeviceConfig(
            app,
            host=host,
            port=port,
            tls=tls,
            max_age_seconds=max_age_seconds,
            head_seconds=head_seconds,
        )
    )
