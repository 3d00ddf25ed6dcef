"""Runs parts until a signal or until one of them ends, and stops them all within seconds."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence

import uvloop

from config.serving.parts import Part
from deployments import loop as channel_loop

_logger = logging.getLogger(__name__)

STOP_SECONDS = 4.0
"""What is not done by then is broken off; every row is safe, and the next start goes on."""


def run(parts: Sequence[Part], started: Callable[[], None]) -> int:
    """Run the parts and return the exit code: 0 after a signal, 1 when a part ended by itself."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(parts, started))


async def _run(parts: Sequence[Part], started: Callable[[], None]) -> int:
    loop = asyncio.get_running_loop()
    channel_loop.set_loop(loop)
    stopping = asyncio.Event()
    _take_signals(loop, stopping)
    running = [asyncio.create_task(part.run(), name=part.name) for part in parts]
    asked = asyncio.create_task(stopping.wait())
    loop.call_soon(started)
    await asyncio.wait([*running, asked], return_when=asyncio.FIRST_COMPLETED)
    code = 0 if stopping.is_set() else 1
    _end_in_time(code)
    for part in parts:
        part.stop()
    await asyncio.wait(running)
    asked.cancel()
    channel_loop.set_loop(None)
    return max([code, *(_verdict(task) for task in running)])


def _take_signals(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """The first signal stops in good order, the second one at once."""

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _end_in_time(code: int) -> None:
    """End the process hard if stopping takes too long, whatever it is that hangs."""
    timer = threading.Timer(STOP_SECONDS, os._exit, args=(code,))
    timer.daemon = True
    timer.start()


def _verdict(task: "asyncio.Task[None]") -> int:
    """1 and a log line for a part that failed, else 0."""
    if error := task.exception():
        _logger.error("The %s has failed.", task.get_name(), exc_info=error)
        return 1
    return 0
