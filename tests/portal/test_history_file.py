"""The history as a file: filtered like the page, exact times, no formulas, sent as it is read."""

import asyncio
import csv
import io

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from deployments import history
from deployments.history import Wanted
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant
from tests.portal.happenings import FILE, PAGE, happened, many, minute

pytestmark = pytest.mark.django_db


def rows_of(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_file_holds_what_is_filtered_with_exact_times(told, operator):
    User.objects.update(time_zone="Europe/Berlin")
    answer = operator.get(f"{FILE}?kind=deployment")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="history.csv"'
    assert rows_of(answer) == [
        ["Time", "Person", "Action", "Kind", "Name", "What happened", "Reason"],
        [
            "2026-11-23T13:03:00+01:00",
            *("Lineside", "Waits to go on", "Deployment", "Mixers", "Two: a gate.", ""),
        ],
        [
            "2026-11-23T13:01:00+01:00",
            *("ann", "Started", "Deployment", "Mixers", "One: started.", "line 4 is idle"),
        ],
    ]


def test_the_page_leads_to_the_file_of_the_same_filters(told, operator):
    text = operator.get(f"{PAGE}?kind=device&q=press").content.decode()
    assert f'href="{FILE}?kind=device&amp;q=press"' in text


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_of_the_file_is_a_formula(operator, begin):
    rollout = plant.a_draft([])
    Deployment.objects.update(name=begin)
    happened(rollout, begin, minute(1), cast.person(None, f"{begin}ann"), reason=begin)
    head, row = rows_of(operator.get(FILE))
    named = dict(zip(head, row, strict=True))
    assert named["Name"] == named["What happened"] == named["Reason"] == f"'{begin}"
    assert named["Person"] == f"'{begin}ann"


def test_the_file_is_read_in_chunks_as_it_is_sent(monkeypatch, operator):
    monkeypatch.setattr("deployments.history.CHUNK", 7)
    many(10)
    with CaptureQueriesContext(connection) as captured:
        answer = operator.get(FILE)
        before = len(captured)
        sentences = [row[5] for row in rows_of(answer)[1:]]
    assert sentences == [line.sentence for line in history.read(Wanted(), 100)]
    assert len(captured) - before == 2 * 3


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_server_sends_it_as_it_is_read(monkeypatch):
    many(10)
    person = cast.operator()
    monkeypatch.setattr("accounts.spreadsheet.ROWS", 6)

    async def ask() -> list[bytes]:
        browser = AsyncClient()
        await browser.aforce_login(person)
        answer = await browser.get(FILE)
        assert answer.is_async
        parts = [part async for part in answer.streaming_content]
        await sync_to_async(connections.close_all)()
        return parts

    parts = asyncio.run(ask())
    assert [len(part.splitlines()) for part in parts] == [1, 6, 6, 6, 2]
    assert len(list(csv.reader(io.StringIO(b"".join(parts).decode())))) == 21
