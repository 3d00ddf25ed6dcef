"""Open pages of one deployment, many at once: what each of them is sent, and when it comes.

A page does here what its script does in a browser: it asks for the rows that it shows when it is
opened, and again, once a second at most, when a frame says that more has changed than it carries.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

#: The words of a state, and how many reports of a device led to it.
STEPS = {"Installing": 1, "Installed": 2}
#: Between two questions for rows.
ASK_SECONDS = 1.0
#: As long as this may the opening of all pages take, and what was told last may need to arrive.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What matters here of a frame: its counts as a number of reports, and the rows it tells.

    Each row by the number of reports that it knows of, and by its version.
    """

    kind: str
    size: int
    steps: int | None
    rows: dict[int, int]
    versions: dict[int, int]
    more: bool


@dataclass(slots=True)
class Page:
    """An open page: the rows it shows, and all it was sent."""

    shows: tuple[int, ...]
    frames: list[tuple[float, Frame]] = field(default_factory=list)
    steps: int = 0
    rows: dict[int, int] = field(default_factory=dict)
    asked_at: float = 0.0
    ended: bool = False

    async def follow(self, socket: ClientConnection) -> None:
        """Take in what comes until the socket is closed."""
        asking = {asyncio.create_task(self._ask(socket))}
        async for text in socket:
            frame = read(str(text))
            self.frames.append((time.time(), frame))
            self.steps = max(self.steps, frame.steps or 0)
            self.rows |= frame.rows
            if frame.more:
                asking = {one for one in asking if not one.done()}
                asking.add(asyncio.create_task(self._ask(socket)))
        for one in asking:
            one.cancel()
        self.ended = True

    def knows(self, steps: int, last: dict[int, int]) -> bool:
        """Whether its counts and the rows that it shows are as they were committed last."""
        mine = last.keys() & self.shows
        return self.steps == steps and all(self.rows[one] == last[one] for one in mine)

    def complete(self, versions: dict[int, int]) -> float:
        """When it had been told each of its rows in these versions; 0 when it still lacks some."""
        missing = set(self.shows)
        for at, frame in self.frames:
            told = missing & frame.versions.keys()
            missing -= {one for one in told if frame.versions[one] >= versions.get(one, 0)}
            if not missing:
                return at
        return 0.0

    async def _ask(self, socket: ClientConnection) -> None:
        now = time.time()
        if self.asked_at > now:
            return
        wait = max(0.0, self.asked_at + ASK_SECONDS - now)
        self.asked_at = now + wait
        await asyncio.sleep(wait)
        await socket.send(json.dumps({"rows": self.shows}))


@lru_cache(maxsize=64)
def read(text: str) -> Frame:
    """A frame as it matters here; one that comes to all pages is read once."""
    told = json.loads(text)
    counts = told.get("counts")
    steps = None if counts is None else sum(_steps(one) * one["number"] for one in counts)
    instances = told.get("instances", ())
    rows = {one["id"]: _steps(one) for one in instances}
    versions = {one["id"]: one["v"] for one in instances}
    return Frame(told["kind"], len(text), steps, rows, versions, bool(told.get("more")))


@dataclass(frozen=True, slots=True)
class Watch:
    """Where the pages connect, as whom, and which rows each of them shows."""

    address: str
    origin: str
    cookie: str
    shown: list[tuple[int, ...]]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[list[Page]]:
        """The pages, each with its rows, until they are closed again."""
        pages = [Page(rows) for rows in self.shown]
        sockets = await asyncio.gather(*(self._connect() for _ in pages))
        following = [
            asyncio.create_task(page.follow(socket))
            for page, socket in zip(pages, sockets, strict=True)
        ]
        await until(lambda: all(page.complete({}) for page in pages), "every row")
        yield pages
        assert not any(page.ended for page in pages), "The portal has closed a page."
        await asyncio.gather(*(socket.close() for socket in sockets))
        await asyncio.gather(*following)

    def _connect(self) -> connect:
        return connect(
            self.address,
            origin=Origin(self.origin),
            additional_headers={"Cookie": f"sessionid={self.cookie}"},
            max_size=None,
            open_timeout=PATIENCE_SECONDS,
        )


async def until(answers: Callable[[], object], what: str) -> None:
    """Look again and again until it answers something true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not answers():
        assert time.monotonic() < end, f"{what} did not come within {PATIENCE_SECONDS} s"
        await asyncio.sleep(0.05)


def _steps(told: dict[str, object]) -> int:
    return STEPS.get(str(told["words"]), 0)
