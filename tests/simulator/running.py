"""Running the simulator against a server, in the test's own loop or as the program it is."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from devices.simulator.fleet import load_clients
from devices.simulator.journal import Journal, Line, last_outcomes, read
from devices.simulator.options import read_options
from devices.simulator.surroundings import Surroundings
from devices.simulator.trust import load_anchors
from tests.simulator.wfm import Wfm

QUICK = ("--poll-seconds=0.05", "--download-seconds=0.01", "--install-seconds=0.02", "--quiet")


async def until(happened: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something, or fail."""
    end = monotonic() + seconds
    while not happened():
        assert monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


@dataclass
class Plant:
    """A fleet's folder and the server that it calls."""

    fleet: Path
    wfm: Wfm

    def lines(self, event: str | None = None) -> list[Line]:
        """The journal so far."""
        return read(self.fleet / "journal.jsonl", event)

    def arguments(self, *more: str) -> list[str]:
        """The command line of a quick fleet."""
        return ["--fleet", str(self.fleet), f"--url={self.wfm.url}", *QUICK, *more]

    @asynccontextmanager
    async def running(self, *more: str) -> AsyncIterator[Surroundings]:
        """The fleet in this loop, until the block ends."""
        options = read_options(self.arguments(*more))
        anchors = load_anchors(options.fleet / "bundle.json")
        path = self.fleet / "journal.jsonl"
        outcomes = last_outcomes(path)
        with Journal(path, lambda: datetime.now(UTC)) as journal:
            gate = asyncio.Semaphore(options.connects)
            around = Surroundings(options, anchors, journal, gate, outcomes)
            tasks = [asyncio.create_task(each.live()) for each in load_clients(around)]
            try:
                yield around
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def program(self, *more: str) -> asyncio.subprocess.Process:
        """The fleet as a process of its own."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "devices.simulator",
            *self.arguments(*more),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def settles(self) -> None:
        """Wait for some more polls, so that what should not happen had its chance."""
        seen = len(self.wfm.asked)
        await until(lambda: len(self.wfm.asked) >= seen + 4)
