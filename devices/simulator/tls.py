"""TLS over plain asyncio streams, with the little memory that thousands of connections need.

The TLS transport of asyncio keeps a buffer of 256 KiB for each connection. A memory BIO does
without it, and lets the server's identity be checked before a single byte is sent to it.
"""

import asyncio
import ssl

_CHUNK_BYTES = 16 * 1024


class TlsStream:
    """One TLS connection on which a client reads and writes plain bytes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
    ) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing)

    async def handshake(self) -> bytes | None:
        """Complete the handshake; the server's leaf certificate as DER.

        Raises ssl.SSLError or OSError.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            else:
                await self._flush()
                return self._tls.getpeercert(binary_form=True)

    async def write(self, plain: bytes) -> None:
        """Send all of `plain`. Raises OSError."""
        if plain:
            self._tls.write(plain)
            await self._flush()

    async def read(self) -> bytes:
        """Some of what the server has sent; nothing when it has closed. Raises OSError."""
        while True:
            try:
                return self._tls.read(_CHUNK_BYTES)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def close(self) -> None:
        """Say goodbye if that is possible at once, and let go of the connection."""
        try:
            self._tls.unwrap()
        except (ssl.SSLError, ValueError):
            # The peer's own goodbye is not waited for.
            self._writer.write(self._outgoing.read())
        self._writer.close()

    def abort(self) -> None:
        """Let go of the connection without a word."""
        self._writer.transport.abort()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
            await self._writer.drain()

    async def _receive(self) -> None:
        received = await self._reader.read(_CHUNK_BYTES)
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()


async def connect(host: str, port: int, context: ssl.SSLContext) -> TlsStream:
    """A stream to the server whose handshake is still to be made. Raises OSError."""
    reader, writer = await asyncio.open_connection(host, port, limit=_CHUNK_BYTES)
    return TlsStream(reader, writer, context)
