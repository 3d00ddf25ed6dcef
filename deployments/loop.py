"""The event loop on which this process talks to the channel layer.

A layer's queues belong to one loop. The web server registers its own; a process without one
(a worker) gets a loop in a thread of its own the first time somebody asks.
"""

import asyncio
import threading
from asyncio import AbstractEventLoop

from django.conf import settings

_lock = threading.Lock()
_loop: AbstractEventLoop | None = None


def set_loop(loop: AbstractEventLoop | None) -> None:
    """Makes `loop` the one that current() answers; None forgets it (the server has stopped)."""
    global _loop
    _loop = loop


def current() -> AbstractEventLoop | None:
    """The registered loop; else, where Redis joins the processes, one started for this process.

    None in a process that could reach nobody: a command beside the embedded server.
    """
    global _loop
    with _lock:
        if _loop is None and settings.REDIS_URL:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="channel-layer", daemon=True).start()
        return _loop
