"""One hub per watched deployment and process: hears the bell, reads once, tells every page.

Lives on the web server's event loop; nothing here is called from another thread. A lost ring
costs nothing, since the hub also looks without one, and a deployment nobody watches has no hub.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from channels.db import database_sync_to_async
from channels.layers import BaseChannelLayer, get_channel_layer
from django.db import OperationalError
from django.utils import timezone

from deployments import events, frames, queries

logger = logging.getLogger(__name__)

#: After a ring the hub waits this long, so that many changes make one frame. Three in a second
#: leave room for one that a page asked for.
GATHERING_SECONDS = 0.3
#: Without a ring it looks this often: rings from another process can be lost.
LOOKING_SECONDS = 5.0
#: Rows commit out of order, so each reading begins this long before the last one.
OVERLAP = timedelta(seconds=5)
#: More changed rows than this are not told one by one.
CHANGES_READ = 5_000

#: Takes one frame as JSON text; must not block.
Listener = Callable[[str], None]

#: Where hubs read. In the thread of all pages they would wait behind each page that opens, asks for
#: its rows or is asked about its permission, and every other page would be late.
_in_thread = partial(
    database_sync_to_async, thread_sensitive=False, executor=ThreadPoolExecutor(1, "live")
)


class Reading:
    """What has been told about one deployment so far, so that each frame has only what is new."""

    def __init__(self, deployment_pk: int, since: datetime) -> None:
        """Begins with what changes after `since`."""
        self.deployment_pk = deployment_pk
        self._since = since
        self._told: dict[int, int] = {}
        self._parts: dict[str, str] = {}

    def next(self, now: datetime) -> frames.Frame:
        """The changes since the last reading as one bounded frame, or a beat without any."""
        picture = frames.take(self.deployment_pk, now=now)
        if picture is None:
            return frames.beat(now)
        wanted, more = self._changed(now)
        rows = list(queries.rows(self.deployment_pk, wanted)) if wanted else []
        frame = frames.frame("change", picture, rows, more=more)
        fresh = self._fresh(frame["parts"])
        if not (fresh or rows or more):
            return frames.beat(now)
        frame["parts"] = fresh
        return frame

    def _changed(self, now: datetime) -> tuple[list[int], bool]:
        """The rows that were not told in their present version, and whether there are more."""
        changed = queries.changed_since(self.deployment_pk, self._since - OVERLAP, CHANGES_READ)
        news = [pk for pk, version in changed if self._told.get(pk) != version]
        self._told, self._since = dict(changed), now
        more = len(changed) == CHANGES_READ or len(news) > frames.ROWS_PER_FRAME
        return news[: frames.ROWS_PER_FRAME], more

    def _fresh(self, parts: dict[str, str]) -> dict[str, str]:
        fresh = {name: html for name, html in parts.items() if self._parts.get(name) != html}
        self._parts = parts
        return fresh


class Hub:
    """Watches one deployment as long as somebody listens."""

    def __init__(self, deployment_pk: int, layer: BaseChannelLayer) -> None:
        """Does nothing before `run`."""
        self.deployment_pk = deployment_pk
        self.listeners: set[Listener] = set()
        self._layer = layer
        self._bell = asyncio.Event()
        self._over = asyncio.Event()
        self._reading = Reading(deployment_pk, timezone.now())
        self._coming: asyncio.Task[frames.Frame | None] | None = None
        self._one_whole = asyncio.Lock()

    def end(self) -> None:
        """Lets `run` come to its end; it is asked, not cancelled.

        A cancellation that meets a channel layer while it speaks to Redis may be lost (before
        Python 3.12, in `asyncio.wait_for`), or break the connection that all hubs share.
        """
        self._over.set()
        self._bell.set()

    async def run(self) -> None:
        """Tells the listeners until it is ended."""
        group = events.group_name(self.deployment_pk)
        channel = await self._layer.new_channel()
        await self._layer.group_add(group, channel)
        # The bell has a task of its own: a Redis channel that is cancelled while it receives
        # is gone, so waiting with a limit must not touch it.
        hearing = asyncio.create_task(self._hear(channel))
        try:
            while not self._over.is_set():
                await self._tell_news()
        finally:
            hearing.cancel()
            await self._layer.group_discard(group, channel)

    async def whole(self) -> frames.Frame | None:
        """A snapshot without rows that is not older than the question; None when there is nothing.

        All who ask before its reading begins share it: many pages open or ask at the same moment.
        """
        if self._coming is None:
            self._coming = asyncio.create_task(self._read_whole())
        return await asyncio.shield(self._coming)

    async def _read_whole(self) -> frames.Frame | None:
        async with self._one_whole:
            # Who asks from now on may know of something newer, and gets the next one.
            self._coming = None
            return await _in_thread(frames.snapshot)(self.deployment_pk, [], now=timezone.now())

    async def _hear(self, channel: str) -> None:
        while True:
            await self._layer.receive(channel)
            self._bell.set()

    async def _tell_news(self) -> None:
        await happens_within(LOOKING_SECONDS, self._bell)
        if await happens_within(GATHERING_SECONDS, self._over):
            return
        # Cleared before reading: a ring during the reading makes another one.
        self._bell.clear()
        try:
            text = await _in_thread(self._read)()
        except OperationalError:
            # A database that is busy or away is nobody's fault: the next look will tell.
            logger.warning("Deployment %s could not be read for its page", self.deployment_pk)
            return
        for listener in tuple(self.listeners):
            listener(text)

    def _read(self) -> str:
        return json.dumps(self._reading.next(timezone.now()))


async def happens_within(seconds: float, event: asyncio.Event) -> bool:
    """Waits for the event, but not longer; whether it happened."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


_hubs: dict[int, tuple[Hub, asyncio.Task[None]]] = {}


def join(deployment_pk: int, listener: Listener) -> Hub:
    """Lets `listener` have every frame about the deployment from now on."""
    if deployment_pk not in _hubs:
        _hubs[deployment_pk] = _start(deployment_pk)
    hub, _ = _hubs[deployment_pk]
    hub.listeners.add(listener)
    return hub


async def leave(deployment_pk: int, listener: Listener) -> None:
    """The end of `join`; the last one to leave ends the hub."""
    if deployment_pk not in _hubs:
        return
    hub, task = _hubs[deployment_pk]
    hub.listeners.discard(listener)
    if not hub.listeners:
        del _hubs[deployment_pk]
        hub.end()
        await asyncio.wait({task})


def watched() -> frozenset[int]:
    """The deployments that somebody in this process watches."""
    return frozenset(_hubs)


def _start(deployment_pk: int) -> tuple[Hub, asyncio.Task[None]]:
    layer = get_channel_layer()
    if layer is None:
        message = "The live page needs a channel layer: set CHANNEL_LAYERS."
        raise RuntimeError(message)
    hub = Hub(deployment_pk, layer)
    task = asyncio.create_task(hub.run(), name=f"hub of deployment {deployment_pk}")
    task.add_done_callback(lambda ended: _forget(deployment_pk, ended))
    return hub, task


def _forget(deployment_pk: int, ended: asyncio.Task[None]) -> None:
    """A hub that fell over is started again by the next page; its pages poll until then."""
    if ended.cancelled() or ended.exception() is None:
        return
    logger.error("The hub of deployment %s ended", deployment_pk, exc_info=ended.exception())
    if deployment_pk in _hubs and _hubs[deployment_pk][1] is ended:
        del _hubs[deployment_pk]
