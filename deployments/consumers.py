"""The socket of a deployment's page: a snapshot first, then what its hub tells."""

import asyncio
import json
import logging
from contextlib import suppress

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import User
from deployments import frames, live, queries
from deployments.doubts import person_group

logger = logging.getLogger(__name__)

#: Close code for a person who may not see deployments, or no longer may.
FORBIDDEN = 4403
#: Close code for a deployment that does not exist.
GONE = 4404
#: How often the permission is asked again while the page is open.
PERMISSION_SECONDS = 30.0
#: How long to wait with asking a database that has not answered.
PATIENCE_SECONDS = 1.0
#: A page gets the rows it asks for no more often than this.
ANSWER_SECONDS = 0.25
#: From one frame to the next, whatever they are: a page gets four in a second at most.
FRAME_SECONDS = 0.25
#: The most rows a page shows.
ROWS_PER_PAGE = 100
#: Frames a page may be behind before they are dropped and it is told to ask for its rows.
FRAMES_WAITING = 8


class DeploymentConsumer(AsyncWebsocketConsumer):
    """Shows one deployment to one page."""

    async def connect(self) -> None:
        """Lets in who may see deployments, and sends the first snapshot."""
        self.deployment_pk: int = self.scope["url_route"]["kwargs"]["pk"]
        self.waiting: asyncio.Queue[str] = asyncio.Queue(FRAMES_WAITING)
        self.doubt = asyncio.Event()
        self.wanted: list[int] = []
        self.asked = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        # Joined before asking, or a change in between would be found only after a while.
        await self.channel_layer.group_add(self._person_group(), self.channel_name)
        if not await self._may_see():
            await self.close(FORBIDDEN)
            return
        # Joined before the snapshot is read, or a change in between would be lost.
        self.hub = live.join(self.deployment_pk, self._take)
        first: frames.Frame | None = None
        try:
            first = await self.hub.whole()
        finally:
            if first is None:
                await live.leave(self.deployment_pk, self._take)
        if first is None:
            await self.close(GONE)
            return
        await self.accept()
        await self.send(json.dumps(first))
        work = (self._deliver(), self._answer(), self._recheck())
        self.tasks = [asyncio.create_task(one) for one in work]

    async def disconnect(self, code: int) -> None:
        """Leaves the hub; the last page to leave ends it."""
        for task in self.tasks:
            task.cancel()
        await live.leave(self.deployment_pk, self._take)
        await self.channel_layer.group_discard(self._person_group(), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The page says which rows it shows, and soon gets them with a snapshot."""
        wanted = _wanted_rows(text_data or "")
        if wanted is not None:
            self.wanted = wanted
            self.asked.set()

    async def person_changed(self, _message: dict[str, object]) -> None:
        """Somebody changed the person's role: asks at once."""
        self.doubt.set()

    def _take(self, text: str) -> None:
        """A frame from the hub. A page that cannot keep up loses frames, never the truth."""
        with suppress(asyncio.QueueFull):
            self.waiting.put_nowait(text)
            return
        while not self.waiting.empty():
            self.waiting.get_nowait()
        behind: frames.Frame = {**frames.beat(timezone.now()), "more": True}
        self.waiting.put_nowait(json.dumps(behind))

    async def _deliver(self) -> None:
        while True:
            # Before the first one too: the snapshot has just been sent.
            await asyncio.sleep(FRAME_SECONDS)
            await self.send(await self.waiting.get())

    async def _answer(self) -> None:
        """A page that asks faster than it is answered gets the rows it asked for last."""
        while True:
            await self.asked.wait()
            self.asked.clear()
            try:
                text = await self._snapshot(self.wanted)
            except DatabaseError:
                logger.warning("Deployment %s could not be read for a page", self.deployment_pk)
                await self._try_again(self.asked)
                continue
            if text is not None:
                self._take(text)
            await asyncio.sleep(ANSWER_SECONDS)

    async def _recheck(self) -> None:
        allowed = True
        while allowed:
            await live.happens_within(PERMISSION_SECONDS, self.doubt)
            # Cleared before asking: a doubt that comes meanwhile is asked about once more.
            self.doubt.clear()
            try:
                allowed = await self._may_see()
            except DatabaseError:
                # Neither yes nor no: the page stays open, and the question too.
                logger.warning("Who watches deployment %s could not be asked", self.deployment_pk)
                await self._try_again(self.doubt)
        await self.close(FORBIDDEN)

    async def _try_again(self, question: asyncio.Event) -> None:
        await asyncio.sleep(PATIENCE_SECONDS)
        question.set()

    async def _snapshot(self, wanted: list[int]) -> str | None:
        whole = await self.hub.whole()
        if whole is None:
            return None
        # Read after the whole, so that no row is older than what is said about all of them.
        rows = await database_sync_to_async(_rows)(self.deployment_pk, wanted)
        return json.dumps({**whole, "instances": rows})

    async def _may_see(self) -> bool:
        """Asks the database anew: the session may have ended, the person may have lost the role."""
        session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        scope = self.scope.copy()
        scope["session"] = session(self.scope["session"].session_key)
        user = await get_user(scope)
        return isinstance(user, User) and await database_sync_to_async(_may_see)(user)

    def _person_group(self) -> str:
        user = self.scope["user"]
        return person_group(user.pk if user is not None and user.pk else 0)


class Nowhere(AsyncWebsocketConsumer):
    """Refuses an address at which there is nothing."""

    async def connect(self) -> None:
        """Closes at once."""
        await self.close(GONE)


def _may_see(user: User) -> bool:
    return user.has_perm("deployments.view_deployment")


def _rows(deployment_pk: int, wanted: list[int]) -> list[frames.Row]:
    return [frames.row(one) for one in queries.rows(deployment_pk, wanted)]


def _wanted_rows(text: str) -> list[int] | None:
    """The ids in {"rows": […]}; None when the message is something else."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    wanted = message.get("rows") if isinstance(message, dict) else None
    if not isinstance(wanted, list):
        return None
    return [pk for pk in wanted if type(pk) is int and 0 < pk < 2**63][:ROWS_PER_PAGE]
