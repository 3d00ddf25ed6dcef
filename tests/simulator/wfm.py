"""A tiny fleet manager over real mutual TLS: it publishes, it remembers, it can be made to lie."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import h11

from tests.simulator.content import BUNDLE_TYPE, MANIFEST_TYPE, bundle_of, manifest, sha256


@dataclass(frozen=True)
class Asked:
    """A request as it arrived, with the name of the client that the certificate tells."""

    client: str
    connection: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Lie = Callable[[Asked, Said], Said]


def honest(_: Asked, said: Said) -> Said:
    """No lie at all."""
    return said


class Wfm:
    """The server; `lie` may turn every honest answer into another one."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.lie: Lie = honest
        self.asked: list[Asked] = []
        self.answered: list[tuple[Asked, int]] = []
        self.port = 0
        self._context = context
        self._documents: dict[str, dict[str, bytes]] = {}
        self._versions: dict[str, int] = {}
        self._connections: set[asyncio.StreamWriter] = set()
        self._conversations: set[asyncio.Task[None]] = set()
        self._count = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.port}"

    def publish(self, client: str, documents: Mapping[str, bytes]) -> int:
        """Make these documents what the client shall run; the manifest's version."""
        self._documents[client] = dict(documents)
        self._versions[client] = self._versions.get(client, 1) + 1
        return self._versions[client]

    def reports(self, client: str | None = None) -> list[dict[str, Any]]:
        """The bodies of the reports that were answered 200, in the order of arrival."""
        return [
            json.loads(asked.body)
            for asked, status in self.answered
            if asked.method == "POST" and status == 200 and client in (None, asked.client)
        ]

    def states(self, client: str | None = None) -> list[str]:
        """The overall states of those reports."""
        return [report["status"]["state"] for report in self.reports(client)]

    def statuses(self, path: str) -> list[int]:
        """How requests whose path starts so were answered."""
        return [status for asked, status in self.answered if asked.path.startswith(path)]

    async def start(self) -> Self:
        """Listen, on the same port as before if it listened before."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Vanish as a killed server does."""
        assert self._server is not None
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def hang_up(self) -> None:
        """Drop every connection without a word."""
        for writer in self._connections:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)
        self._count += 1
        try:
            await self._converse(reader, writer, _client_of(writer), self._count)
        except OSError:
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str, number: int
    ) -> None:
        http = h11.Connection(h11.SERVER)
        while (asked := await _request(http, reader, client, number)) is not None:
            self.asked.append(asked)
            said = self.lie(asked, self._answer(asked))
            if said.status == 0:
                return
            self.answered.append((asked, said.status))
            headers = {**said.headers, "Content-Length": str(len(said.body))}
            response = h11.Response(status_code=said.status, headers=list(headers.items()))
            parts = [response, h11.Data(data=said.body), h11.EndOfMessage()]
            writer.write(b"".join(http.send(part) or b"" for part in parts))
            await writer.drain()
            if http.our_state is not h11.DONE:
                return
            http.start_next_cycle()

    def _answer(self, asked: Asked) -> Said:
        documents = self._documents.get(asked.client, {})
        if asked.method == "PUT":
            return Said(201)
        if asked.method == "POST":
            return Said(200)
        if asked.path == "/api/v1/deployments":
            body = manifest(self._versions.get(asked.client, 1), documents)
            said = labelled(body, MANIFEST_TYPE)
            same = asked.headers.get("if-none-match") == said.headers["ETag"]
            return Said(304) if same else said
        digest = asked.path.rsplit("/", 1)[-1]
        found = {sha256(body): body for body in documents.values()}.get(digest)
        if asked.path.startswith("/api/v1/bundles/"):
            return labelled(bundle_of(documents), BUNDLE_TYPE)
        return labelled(found, "application/yaml") if found else Said(404)


def labelled(body: bytes, content_type: str) -> Said:
    """200 with the digest as ETag."""
    return Said(200, {"Content-Type": content_type, "ETag": f'"{sha256(body)}"'}, body)


async def _request(
    http: h11.Connection, reader: asyncio.StreamReader, client: str, number: int
) -> Asked | None:
    head: h11.Request | None = None
    body = b""
    while not isinstance(event := http.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.ConnectionClosed):
            return None
    assert head is not None
    headers = {name.decode(): value.decode() for name, value in head.headers}
    return Asked(client, number, head.method.decode(), head.target.decode(), headers, body)


def _client_of(writer: asyncio.StreamWriter) -> str:
    certificate = writer.get_extra_info("peercert")
    (uri,) = [value for kind, value in certificate["subjectAltName"] if kind == "URI"]
    return str(uri).rsplit("/", 1)[-1]
