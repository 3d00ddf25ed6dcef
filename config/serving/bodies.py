"""Refuses request bodies that nothing in the portal could want, before they fill the disk."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Pages = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

MOST_BYTES = 101 * 1024 * 1024
"""The largest package that is read, with room for the form around it."""


class BoundedBodies:
    """Answers 413 to a larger body, by what its head announces or else by what arrives."""

    def __init__(self, pages: Pages, most_bytes: int = MOST_BYTES) -> None:
        self._pages = pages
        self._most_bytes = most_bytes

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Let the request through as long as its body stays within the bound."""
        if _announced_bytes(scope) > self._most_bytes:
            await _refuse(send)
            return
        body = _Counted(receive, self._most_bytes)
        await self._pages(scope, body, send)
        if body.too_large:
            await _refuse(send)


class _Counted:
    """Hands a body on; to the pages, one that grows too large looks as if its sender had left.

    Django answers nothing to somebody who left before the whole body was there, so the answer
    is ours.
    """

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self.too_large = False
        self._receive = receive
        self._left_bytes = most_bytes

    async def __call__(self) -> Mapping[str, Any]:
        event = await self._receive()
        if event["type"] == "http.request":
            self._left_bytes -= len(event["body"])
            self.too_large = self._left_bytes < 0
        return {"type": "http.disconnect"} if self.too_large else event


def _announced_bytes(scope: dict[str, Any]) -> int:
    texts = [value for name, value in scope["headers"] if name == b"content-length"]
    # The server has refused a length that is no number; a long one must not be read as one.
    return max((int(text[:20]) for text in texts if text.isdigit()), default=0)


async def _refuse(send: Send) -> None:
    text = b"The request is too large.\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        # What is left of the body is not read.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})
