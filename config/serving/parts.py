"""One part of the portal as the runner sees it: something that runs until it is told to stop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol


class CannotStartError(Exception):
    """Why a part cannot start and what to do about it, as one sentence."""


class Part(Protocol):
    """A part that lives in the runner's event loop."""

    name: str

    async def run(self) -> None:
        """Run until stopped; return early, or raise, only when something is wrong."""

    def stop(self) -> None:
        """Ask `run` to end soon; never waits."""


class Threaded:
    """A part that blocks, so it runs in a thread of its own."""

    def __init__(self, name: str, work: Callable[[], None], stop: Callable[[], None]) -> None:
        self.name = name
        self._work = work
        self._stop = stop

    async def run(self) -> None:
        """Wait for the work to end, and raise what it raised."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def tell(error: BaseException | None) -> None:
            if ended.done():
                return
            if error is None:
                ended.set_result(None)
            else:
                ended.set_exception(error)

        def work() -> None:
            error: BaseException | None = None
            try:
                self._work()
            except Exception as raised:
                error = raised
                raise
            finally:
                loop.call_soon_threadsafe(tell, error)

        # A daemon: a task that hangs must not keep the process from ending.
        threading.Thread(target=work, name=self.name, daemon=True).start()
        await ended

    def stop(self) -> None:
        """Ask the work to end."""
        self._stop()
