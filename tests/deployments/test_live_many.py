"""Many pages of one deployment: they share what is read for them, and none is late for another."""

import asyncio
import threading
import time

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from deployments import consumers, events, frames, live
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant
from tests.deployments.browser_socket import BrowserSocket

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = 20


@pytest.fixture
def rollout():
    return plant.a_rollout([plant.a_device()])


@pytest.fixture
def cookie():
    return cast.sign_in(cast.viewer()).cookies["sessionid"].value


class Readings:
    """Counts snapshots that are read; reading one takes a while."""

    def __init__(self) -> None:
        self.number = 0
        self.begun = threading.Event()
        self._read = frames.snapshot

    def __call__(self, *given: object, **more: object) -> frames.Frame | None:
        self.number += 1
        self.begun.set()
        time.sleep(0.2)
        return self._read(*given, **more)


@pytest.fixture
def readings(monkeypatch):
    counted = Readings()
    monkeypatch.setattr(frames, "snapshot", counted)
    return counted


async def opened(rollout: Deployment, cookie: str) -> BrowserSocket:
    """An open page; its first frame is read already."""
    page = BrowserSocket(f"/ws/deployments/{rollout.pk}/", cookie)
    assert await page.connect() is None
    assert (await page.frame())["kind"] == "snapshot"
    return page


async def close(*pages: BrowserSocket) -> None:
    for page in pages:
        await page.disconnect()


async def ring(rollout: Deployment) -> None:
    message = {"type": "deployment.rang", "deployment": rollout.pk}
    await get_channel_layer().group_send(events.group_name(rollout.pk), message)


@pytest.mark.asyncio
async def test_pages_that_ask_together_share_a_reading(rollout, cookie, readings):
    pages = [await opened(rollout, cookie) for _ in range(PAGES)]
    readings.number = 0
    for page in pages:
        await page.tell({"rows": []})
    for page in pages:
        while (await page.frame())["kind"] != "snapshot":
            pass
    await close(*pages)
    assert 1 <= readings.number <= 2


@pytest.mark.asyncio
async def test_who_asks_while_a_reading_is_under_way_gets_the_next_one(rollout, readings):
    hub = live.Hub(rollout.pk, get_channel_layer())
    first = asyncio.create_task(hub.whole())
    assert await asyncio.to_thread(readings.begun.wait, 5)
    second, third = await asyncio.gather(hub.whole(), hub.whole())
    assert readings.number == 2
    assert (await first)["at"] < second["at"] == third["at"]


@pytest.mark.asyncio
async def test_a_page_is_not_late_because_others_are_being_asked_about(rollout, cookie):
    page = await opened(rollout, cookie)
    # The thread in which pages open, ask for their rows and are asked about.
    busy = asyncio.create_task(database_sync_to_async(time.sleep)(3.0))
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    await ring(rollout)
    await page.frame()
    assert time.monotonic() - begun < 2.0
    assert not busy.done()
    await busy
    await close(page)


@pytest.mark.asyncio
async def test_a_page_gets_four_frames_a_second_whatever_it_asks_and_whatever_happens(
    rollout, cookie, monkeypatch
):
    monkeypatch.setattr(live, "GATHERING_SECONDS", 0.02)
    monkeypatch.setattr(consumers, "ANSWER_SECONDS", 0.02)
    page = await opened(rollout, cookie)
    came, end = 0, time.monotonic() + 2.0
    while time.monotonic() < end:
        await ring(rollout)
        await page.tell({"rows": []})
        came += not await page.receive_nothing(timeout=0.02)
        while not page.output_queue.empty():
            await page.frame()
    await close(page)
    assert 4 <= came <= 8
