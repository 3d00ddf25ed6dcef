"""Two hundred pages on one deployment while its devices report: how many frames, and how late.

PostgreSQL, Redis, the web server, a worker and a beat are processes of their own, as in production.
First the reports are taken in by what the device interface calls, as many as the machine can do
beside all that; then their rows are just written, so that the pages see as many as they should.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, NamedTuple

import django
import httpx
from django.core.management import call_command
from django.db import connections

from tests.bench import lateness, servers, sockets, telling
from tests.bench.demo import pss
from tests.bench.timing import Row
from tests.e2e.running import free_ports, until

if TYPE_CHECKING:
    from deployments.models import Deployment

#: Which database it was, for the head of the table; known when it was measured.
DATABASE = ""
SOCKETS = 200
DEVICES = 10_000
#: Reports in a second, and for so long.
RATE = 300
SECONDS = 30
#: Rows of a page.
ROWS = 100
#: So many devices tell that they install, then that they have installed.
WAVE = 600


class Spent(NamedTuple):
    """Seconds: of the clock, of the web server's processor time, and of all processors."""

    clock: float
    web: float
    idle: float
    nice: float
    all: float


class Told(NamedTuple):
    """A stretch of reports: the commits in their order, what came to each page, and the cost."""

    commits: list[telling.Commit]
    before: int
    came: list[lateness.Came]
    spent: Spent


def measure() -> list[Row]:
    """The rows, on a database and with servers made for the purpose."""
    global DATABASE
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    (port,) = free_ports(1)
    with servers.postgresql() as address, servers.redis() as broker:
        assert broker, "This needs redis-server."
        DATABASE = servers.described(address)
        os.environ |= {
            "LINESIDE_DATABASE_URL": address,
            "LINESIDE_REDIS_URL": broker,
            "LINESIDE_WEB_PORT": str(port),
            "LINESIDE_URL": f"http://127.0.0.1:{port}",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        try:
            return watched(f"127.0.0.1:{port}")
        finally:
            connections.close_all()


def watched(host: str) -> list[Row]:
    """A deployment under way, the pages that watch it, and what its devices tell."""
    from tests import cast

    rollout = under_way()
    keys = list(rollout.instances.order_by("position").values_list("pk", flat=True))
    shown = [tuple(keys[at : at + ROWS]) for at in range(0, DEVICES, ROWS)]
    pages = sockets.Watch(
        address=f"ws://{host}/ws/deployments/{rollout.pk}/",
        origin=f"http://{host}",
        cookie=cast.sign_in(cast.viewer()).cookies["sessionid"].value,
        shown=[shown[one % len(shown)] for one in range(SOCKETS)],
    )
    words = [list(script(rollout, part)) for part in range(2)]
    with servers.served("web", "worker", "beat") as (web, *_):
        until(lambda: answers(f"http://{host}/login/"), seconds=60, what="the web server")
        return asyncio.run(_watched(pages, rollout.pk, words, web.pid))


def under_way() -> "Deployment":
    """A deployment whose devices all have fetched it and now install it."""
    from tests.bench import fleet
    from tests.deployments import plant

    fleet.arrive(DEVICES)
    rollout = fleet.draft(
        plant.a_version(app_id="press"), fleet.everybody(DEVICES), install_timeout_seconds=86_400
    )
    fleet.tick_until_idle(fleet.start(rollout))
    assert fleet.poll_all(rollout) == DEVICES
    fleet.analyze()
    return rollout


def script(rollout: "Deployment", part: int) -> Iterator[telling.Word]:
    """The reports of one half of the devices in their order, each with its time."""
    found = rollout.instances.order_by("position")
    order = list(found.values_list("pk", "device__client", "workload__uid"))
    random.Random(17).shuffle(order)
    half = order[part::2]
    number = 0
    for begin in range(0, len(half), WAVE):
        for step in (1, 2):
            for instance, client, uid in half[begin : begin + WAVE]:
                yield telling.Word(rollout.pk, instance, client, str(uid), step, number / RATE)
                number += 1


async def _watched(
    watch: sockets.Watch, rollout: int, words: list[list[telling.Word]], web: int
) -> list[Row]:
    without, begun = pss(web), time.monotonic()
    async with watch.opened() as pages:
        opening = time.monotonic() - begun
        rows = [row(f"{SOCKETS} pages opened, each with its rows, s", f"{opening:.1f}")]
        for what, bare in (("taken in", False), ("written", True)):
            told = await _told(pages, words.pop(0), web, bare=bare)
            rows += rows_of(what, told, pages)
        rows += await _all_at_once(pages, rollout)
        memory = f"{without:.0f} / {pss(web):.0f}"
        rows.append(row("web server: memory (PSS) before and with the pages, MB", memory))
    return rows


async def _told(
    pages: list[sockets.Page], words: list[telling.Word], web: int, *, bare: bool
) -> Told:
    """Tells, and waits until every page knows of everything that was told."""
    before, seen = pages[0].steps, [len(page.frames) for page in pages]
    start = spent(web)
    commits = await asyncio.to_thread(telling.told, words, SECONDS, bare=bare)
    steps, last = before + len(commits), {one: step for _, one, step in commits}
    await sockets.until(lambda: all(page.knows(steps, last) for page in pages), "every report")
    cost = Spent(*(after - once for once, after in zip(start, spent(web), strict=True)))
    first = commits[0][0]
    came = [
        [one for one in page.frames[at:] if one[0] >= first]
        for page, at in zip(pages, seen, strict=True)
    ]
    return Told(commits, before, came, cost)


async def _all_at_once(pages: list[sockets.Page], rollout: int) -> list[Row]:
    """Every row changes at the same moment, more than any frame carries, as at a release."""
    for page in pages:
        page.frames.clear()
    committed, versions = await asyncio.to_thread(telling.change_all, rollout)
    await sockets.until(lambda: all(page.complete(versions) for page in pages), "every row")
    found = sorted(max(0.0, page.complete(versions) - committed) for page in pages)
    return [
        row(
            f"{DEVICES} rows change at once: a page has its own, median, s", f"{median(found):.3f}"
        ),
        row("… at the last page, s", f"{found[-1]:.3f}"),
    ]


def rows_of(what: str, told: Told, pages: list[sockets.Page]) -> list[Row]:
    """The rows of the table about one stretch of reports."""
    first, last = told.commits[0][0], told.commits[-1][0]
    frames = [frame for came in told.came for _, frame in came]
    seconds = told.came[0][-1][0] - first
    counts = lateness.of_counts(told.commits, told.before, told.came)
    rows = lateness.of_rows(told.commits, pages)
    kinds = [sum(one.kind == kind for one in frames) for kind in ("change", "beat", "snapshot")]
    idle, nice = (100 * part / told.spent.all for part in (told.spent.idle, told.spent.nice))
    found = [
        row("reports in a second", f"{(len(told.commits) - 1) / (last - first):.0f}", f"{RATE}"),
        row("frames a second at a page, mean", f"{len(frames) / SOCKETS / seconds:.2f}"),
        row("most in any second at any page", str(most(told.came)), "<= 4"),
        row("changes / beats / snapshots", " / ".join(str(one) for one in kinds)),
        row("frames that left rows to be asked for", str(sum(one.more for one in frames))),
        row("mean size of a frame, kB", f"{mean(one.size for one in frames) / 1000:.1f}"),
        row("commit to the counts of a page: median, s", f"{median(counts):.3f}"),
        row("… 99 %, s", f"{lateness.share(counts, 0.99):.3f}", "<= 1"),
        row("… slowest, s", f"{counts[-1]:.3f}"),
        row("commit to the row where it is shown: median, s", f"{median(rows):.3f}"),
        row("… 99 %, s", f"{lateness.share(rows, 0.99):.3f}", "<= 1"),
        row("… slowest, s", f"{rows[-1]:.3f}"),
        row(
            "web server: CPU of a frame to a page, ms", f"{told.spent.web / len(frames) * 1e3:.2f}"
        ),
        row("… of one processor, %", f"{told.spent.web / told.spent.clock * 100:.0f}"),
        row("all processors: idle / with niced work, %", f"{idle:.0f} / {nice:.0f}"),
    ]
    return [{**one, "what": f"{what}: {one['what']}"} for one in found]


def most(came: Iterable[lateness.Came]) -> int:
    """The most frames that came to any page in any second."""
    return max(map(lateness.most_in_a_second, came))


def row(what: str, measured: str, aim: str = "") -> Row:
    """One row."""
    return {"what": what, "measured": measured, "aim": aim}


def spent(process: int) -> Spent:
    """Seconds until now."""
    tick = os.sysconf("SC_CLK_TCK")
    web = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    first = Path("/proc/stat").read_text().splitlines()[0]
    every = [int(one) / tick for one in first.split()[1:]]
    of_web = (int(web[11]) + int(web[12])) / tick
    return Spent(time.monotonic(), of_web, every[3], every[1], sum(every))


def answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
