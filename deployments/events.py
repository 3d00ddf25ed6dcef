"""A deployment's history, and the two effects of a change: the bell for pages, the nudge for
the engine. Both happen after commit, carry ids only, and may be lost without harm."""

import asyncio
import logging
import time
from datetime import datetime
from functools import partial

from celery import current_app
from channels.layers import get_channel_layer
from django.db import transaction

from accounts.models import User
from deployments import loop
from deployments.models import Deployment, Event

logger = logging.getLogger(__name__)

#: Seconds between two nudges of one deployment from one process. What comes in between is
#: announced by one more nudge when they are over.
NUDGE_SPACING_SECONDS = 0.25
#: A nudge that waited longer is worth nothing: the beat has sent others since. Without an end those
#: of an hour without workers would keep the workers busy when news come.
NUDGE_EXPIRES_SECONDS = 5.0
#: Seconds between two rings of one deployment's bell from one process.
RING_SPACING_SECONDS = 0.1

#: When each deployment was last nudged, or will be, on the process's own clock.
_nudged: dict[int, float] = {}
_waiting: set[int] = set()
_ringing: set[asyncio.Task[None]] = set()


def group_name(deployment_pk: int) -> str:
    """The channel group in which a deployment's bell rings."""
    return f"deployment-{deployment_pk}"


def record(
    deployment: Deployment,
    kind: str,
    sentence: str,
    *,
    now: datetime,
    actor: User | None = None,
    reason: str = "",
    from_stage: str = "",
    to_stage: str = "",
) -> Event:
    """Writes one line of history; call it in the transaction of the change itself."""
    return Event.objects.create(
        deployment=deployment,
        kind=kind,
        sentence=sentence,
        actor=actor,
        reason=reason,
        from_stage=from_stage,
        to_stage=to_stage,
        at=now,
    )


def ring(deployment_pk: int) -> None:
    """Tells the pages that watch this deployment, once the change is committed."""
    transaction.on_commit(partial(_ask_to_ring, deployment_pk), robust=True)


def nudge(deployment_pk: int) -> None:
    """Tells the engine, once the change is committed, that there is something to judge."""
    transaction.on_commit(partial(_nudge, deployment_pk), robust=True)


def _nudge(deployment_pk: int) -> None:
    at = time.monotonic()
    wait = _nudged.get(deployment_pk, 0.0) + NUDGE_SPACING_SECONDS - at
    if wait > NUDGE_SPACING_SECONDS:
        # One that is still to come will announce this too.
        return
    wait = max(0.0, wait)
    _nudged[deployment_pk] = at + wait
    # Without retries: the device that reported must not wait for a broker that is away. One that
    # is lost costs little: the look that comes each second finds what it would have announced.
    current_app.send_task(
        "deployments.tasks.tick_one",
        args=[deployment_pk],
        countdown=wait or None,
        expires=NUDGE_EXPIRES_SECONDS,
        retry=False,
    )


def _ask_to_ring(deployment_pk: int) -> None:
    # The channel layer belongs to one event loop; from any other thread its messages are late
    # or lost, so the ring is handed over to that loop.
    if (target := loop.current()) is not None:
        target.call_soon_threadsafe(_ring_soon, deployment_pk)


def _ring_soon(deployment_pk: int) -> None:
    # A ring that is waiting already will announce this change too.
    if deployment_pk in _waiting:
        return
    _waiting.add(deployment_pk)
    here = asyncio.get_running_loop()
    here.call_later(RING_SPACING_SECONDS, _send_ring, deployment_pk)


def _send_ring(deployment_pk: int) -> None:
    _waiting.discard(deployment_pk)
    task = asyncio.get_running_loop().create_task(_ring(deployment_pk))
    # The loop keeps weak references only: without this one a ring could vanish half-way.
    _ringing.add(task)
    task.add_done_callback(_ringing.discard)


async def _ring(deployment_pk: int) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    message = {"type": "deployment.rang", "deployment": deployment_pk}
    try:
        await layer.group_send(group_name(deployment_pk), message)
    except OSError:
        logger.warning("The bell of deployment %s did not ring: no channel layer", deployment_pk)
