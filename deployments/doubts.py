"""Tells a person's open pages to ask again whether the person may still see them."""

import asyncio
import logging

from channels.layers import get_channel_layer
from django.contrib.auth.models import AbstractBaseUser

from accounts import access
from deployments import loop

logger = logging.getLogger(__name__)

#: Django announces a sign-out just before it ends the session: asked at once, the session lives.
DELAY_SECONDS = 0.5

_telling: set[asyncio.Task[None]] = set()


def person_group(user_pk: int) -> str:
    """The channel group of a person's pages; its message is {"type": "person.changed"}."""
    return f"person-{user_pk}"


def signed_out(user: AbstractBaseUser | None, **_: object) -> None:
    """Receives Django's signal of the same name."""
    if user is not None:
        access.changed(user.pk)


def tell(user_pk: int) -> None:
    """Tells the person's pages soon; lost without harm, since each page also asks by itself."""
    # The channel layer belongs to one event loop, and this may be any thread.
    if (target := loop.current()) is not None:
        target.call_soon_threadsafe(_tell_soon, user_pk)


def _tell_soon(user_pk: int) -> None:
    task = asyncio.get_running_loop().create_task(_tell(user_pk))
    # The loop keeps weak references only.
    _telling.add(task)
    task.add_done_callback(_telling.discard)


async def _tell(user_pk: int) -> None:
    await asyncio.sleep(DELAY_SECONDS)
    if (layer := get_channel_layer()) is None:
        return
    try:
        await layer.group_send(person_group(user_pk), {"type": "person.changed"})
    except OSError:
        logger.warning("The pages of person %s were not told: no channel layer", user_pk)
