"""A browser's end of a socket, and the live page that it keeps open, for tests.

Speaks ASGI to the portal's whole application; the communicator that channels
brings along needs another web server to be installed.
"""

import json
from contextlib import asynccontextmanager

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from accounts.models import User
from config.asgi import application
from deployments.models import Deployment
from tests import cast

PORTAL = "http://127.0.0.1:8000"

in_a_thread = database_sync_to_async


class BrowserSocket(ApplicationCommunicator):
    """Opens an address as a page with this cookie, from this origin."""

    def __init__(self, path: str, cookie: str = "", origin: str = PORTAL) -> None:
        headers = [(b"origin", origin.encode()), (b"host", b"testserver")]
        if cookie:
            headers.append((b"cookie", f"sessionid={cookie}".encode()))
        scope = {"type": "websocket", "path": path, "query_string": b"", "headers": headers}
        super().__init__(application, {**scope, "subprotocols": []})

    async def connect(self) -> int | None:
        """None when the socket opened, else the code with which it was refused."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=5)
        return None if answer["type"] == "websocket.accept" else int(answer.get("code", 1000))

    async def tell(self, message: object) -> None:
        """Sends a message as JSON."""
        await self.tell_text(json.dumps(message))

    async def tell_text(self, text: str) -> None:
        """Sends a text as it is."""
        await self.send_input({"type": "websocket.receive", "text": text})

    async def tell_bytes(self, content: bytes) -> None:
        """Sends a binary message."""
        await self.send_input({"type": "websocket.receive", "bytes": content, "text": None})

    async def frame(self, seconds: float = 5) -> dict:
        """The next message."""
        return json.loads((await self.receive_output(seconds))["text"])

    async def disconnect(self) -> None:
        """Closes the page."""
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait(timeout=5)


def cookie_of(person: User) -> str:
    """The session of this person, as their browser keeps it."""
    return cast.sign_in(person).cookies["sessionid"].value


def socket(deployment_pk: int, cookie: str = "", **more: str) -> BrowserSocket:
    """The socket of a deployment's live page, not yet opened."""
    return BrowserSocket(f"/ws/deployments/{deployment_pk}/", cookie, **more)


@asynccontextmanager
async def page(deployment: Deployment, cookie: str):
    """An open page; its first frame is read already."""
    opened = socket(deployment.pk, cookie)
    assert await opened.connect() is None
    opened.first = await opened.frame()
    try:
        yield opened
    finally:
        await opened.disconnect()


async def next_news(opened, seconds: float = 3.0) -> dict:
    """The next frame that is not a beat."""
    while True:
        frame = await opened.frame(seconds)
        if frame["kind"] != "beat":
            return frame


async def answer(opened, seconds: float = 3.0) -> dict:
    """The snapshot a page gets that asked for its rows; what the hub tells meanwhile is skipped."""
    while True:
        frame = await opened.frame(seconds)
        if frame["kind"] == "snapshot":
            return frame


async def closing_code(opened) -> int:
    """Waits until the page is closed; answers why."""
    while True:
        message = await opened.receive_output(timeout=3)
        if message["type"] == "websocket.close":
            return message["code"]
