"""A table as a CSV file for a spreadsheet: sent as it is read, so that its size costs no memory."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

#: A cell that begins so is a formula to a spreadsheet, whoever wrote it.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")

#: Some rows of the table, read together.
Chunk = Sequence[Sequence[object]]


def answer(
    request: HttpRequest, name: str, header: Sequence[str], chunks: Iterable[Chunk]
) -> StreamingHttpResponse:
    """The file `name`; each chunk is read when those before it are on their way."""
    texts = (written(chunk) for chunk in chain([[header]], chunks))
    return StreamingHttpResponse(
        _one_by_one(texts) if isinstance(request, ASGIRequest) else texts,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def written(rows: Chunk) -> str:
    """The rows as text; no cell of it is a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """A value as a spreadsheet shall show it, and never compute it."""
    words = "" if value is None else str(value)
    return f"'{words}" if words.startswith(FORMULAS) else words


async def _one_by_one(texts: Iterator[str]) -> AsyncIterator[str]:
    # An asynchronous server reads an ordinary iterator to its end before it sends anything.
    read = sync_to_async(lambda: next(texts, None))
    while (text := await read()) is not None:
        yield text
