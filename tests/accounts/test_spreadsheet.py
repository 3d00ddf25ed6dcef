"""A file that is sent as it is read, by an asynchronous server too."""

import asyncio
from collections.abc import Iterator

import pytest
from django.test import AsyncRequestFactory, RequestFactory

from accounts import spreadsheet


def rows(read: list[int]) -> Iterator[list[object]]:
    for number in range(3):
        read.append(number)
        yield [number, "é\n,"]


def test_an_asynchronous_server_reads_no_further_than_it_has_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS", 1)

    async def first_two() -> tuple[list[bytes], list[int]]:
        read: list[int] = []
        request = AsyncRequestFactory().get("/")
        answer = spreadsheet.answer(request, "x.csv", ["n", "text"], rows(read))
        parts = aiter(answer)
        return [await anext(parts), await anext(parts)], read

    sent, read = asyncio.run(first_two())
    assert sent == [b"n,text\r\n", '0,"é\n,"\r\n'.encode()]
    assert read == [0]


def test_the_whole_file_comes_with_its_name() -> None:
    answer = spreadsheet.answer(RequestFactory().get("/"), "x.csv", ["n", "text"], rows([]))
    assert answer["Content-Disposition"] == 'attachment; filename="x.csv"'
    assert answer.getvalue().count(b"\r\n") == 4
