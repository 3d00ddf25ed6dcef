"""Lists as CSV files: sent while they are read, and harmless where they are opened."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

#: Rows that travel together.
ROWS = 500
#: How a cell begins that a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def answer(
    request: HttpRequest, name: str, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """The rows below their head as the file `name`; rows are taken as they are sent."""
    parts = _parts(head, rows)
    # A server of ASGI would first take all of a plain iterator into memory.
    content = _awaited(parts) if isinstance(request, ASGIRequest) else parts
    return StreamingHttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def cell(value: object) -> str:
    """The value as text; what a spreadsheet would take for a formula gets an apostrophe before."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _parts(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    written = iter(rows)
    part: list[Sequence[object]] = [head]
    while part:
        text = StringIO()
        csv.writer(text).writerows(map(cell, row) for row in part)
        yield text.getvalue().encode()
        part = list(islice(written, ROWS))


async def _awaited(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same parts, each made in the thread in which the request's queries belong."""
    while part := await _next(parts):
        yield part


@sync_to_async(thread_sensitive=True)
def _next(parts: Iterator[bytes]) -> bytes:
    return next(parts, b"")
