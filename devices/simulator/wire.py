"""HTTP/1.1 over mutual TLS: one client's connection to its fleet manager."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import h11

from devices.simulator.tls import TlsStream, connect
from devices.simulator.trust import Identity, ServerRefusedError, check_server

TIMEOUT_SECONDS = 30.0
GREATEST_ANSWER_BYTES = 64 * 1024 * 1024


class UnreachableError(Exception):
    """No answer was had; the text says why. Worth another try later."""


class BusyError(UnreachableError):
    """The server answered, but only that it has no answer now.

    `retry_after_seconds` is how long it asked to be left alone, 0 if it did not say.
    """

    def __init__(self, answer: "Answer") -> None:
        super().__init__(f"The server answered {answer.status}.")
        self.status = answer.status
        retry_after = answer.headers.get("retry-after", "")
        self.retry_after_seconds = float(retry_after) if retry_after.isdecimal() else 0.0


class _GoneError(UnreachableError):
    """A connection kept from an earlier request turned out to be closed."""


@dataclass(frozen=True)
class Endpoint:
    """Where the device interface of the fleet manager listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Requests of one client, one after the other, over a connection kept or made anew.

    `context` is asked for when a connection is made. `gate` bounds how many clients of the
    process connect at the same time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        identity: Identity,
        context: Callable[[], ssl.SSLContext],
        gate: asyncio.Semaphore,
        *,
        keep_alive: bool,
    ) -> None:
        self._endpoint, self._identity, self._context = endpoint, identity, context
        self._gate, self._keep_alive = gate, keep_alive
        self._stream: TlsStream | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._turn = asyncio.Lock()

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send one request and wait for the whole answer.

        Raises UnreachableError, and ServerRefusedError if the server is not the client's own.
        """
        async with self._turn:
            try:
                return await self._attempt(method, path, headers, body)
            except _GoneError:
                return await self._attempt(method, path, headers, body)

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        if self._stream is not None:
            self._stream.abort()
            self._stream = None

    async def _attempt(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        kept = self._stream is not None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                stream = self._stream or await self._connect()
                await self._send(stream, method, path, headers, body)
                answer = await self._receive(stream, kept)
        except (OSError, ssl.SSLError, h11.ProtocolError) as error:
            self.close()
            raise _trouble(error, kept) from error
        except BaseException:
            # Also when cancelled: half an answer must not be read as the next one.
            self.close()
            raise
        self._finish(stream)
        return answer

    async def _connect(self) -> TlsStream:
        async with self._gate:
            stream = await connect(self._endpoint.host, self._endpoint.port, self._context())
            self._stream = stream
            try:
                certificate = await stream.handshake()
            except ssl.SSLCertVerificationError as error:
                reason = error.verify_message
                raise ServerRefusedError(f"The server does not verify: {reason}.") from error
        check_server(certificate, self._identity)
        self._http = h11.Connection(h11.CLIENT)
        return stream

    async def _send(
        self, stream: TlsStream, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        every = {"Host": f"{self._endpoint.host}:{self._endpoint.port}", **headers}
        if body:
            every["Content-Length"] = str(len(body))
        if not self._keep_alive:
            every["Connection"] = "close"
        request = h11.Request(method=method, target=path, headers=list(every.items()))
        parts = (request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())
        await stream.write(b"".join(self._http.send(part) or b"" for part in parts))

    async def _receive(self, stream: TlsStream, kept: bool) -> Answer:
        head: h11.Response | None = None
        body = bytearray()
        while not isinstance(event := self._http.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > GREATEST_ANSWER_BYTES:
                    raise UnreachableError("The answer is far too large.")
            elif event is h11.NEED_DATA:
                received = await stream.read()
                if not received and kept and head is None:
                    raise ConnectionResetError("The server had closed the connection.")
                self._http.receive_data(received)
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise UnreachableError("The server closed the connection without an answer.")
        return _answer(head, body)

    def _finish(self, stream: TlsStream) -> None:
        if self._keep_alive and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return
        stream.close()
        self._stream = None


def _trouble(error: Exception, kept: bool) -> UnreachableError:
    text = str(error) or type(error).__name__
    if kept and isinstance(error, (ConnectionError, ssl.SSLError)):
        return _GoneError(text)
    return UnreachableError(text)


def _answer(head: h11.Response | None, body: bytearray) -> Answer:
    if head is None:
        raise UnreachableError("The answer has no head.")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
    return Answer(head.status_code, headers, bytes(body))
