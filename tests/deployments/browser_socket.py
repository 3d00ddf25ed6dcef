"""A browser's end of a socket, for tests: speaks ASGI to the portal's whole application.

(The communicator that channels brings along needs another web server to be installed.)
"""

import json

from asgiref.testing import ApplicationCommunicator

from config.asgi import application

PORTAL = "http://127.0.0.1:8000"


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
