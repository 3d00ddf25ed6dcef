"""Two hundred pages on one deployment while its devices report: how many frames, and how late.

PostgreSQL, Redis, the web server, a worker and a beat are processes of their own, as in production.
The reports are taken in by processes that call what the device listener calls.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, NamedTuple

import django
import httpx
from django.core.management import call_command
from django.db import connections

from tests.bench import reporting, servers, sockets
from tests.bench.demo import pss
from tests.bench.timing import Row
from tests.e2e.running import free_ports, until

if TYPE_CHECKING:
    from deployments.models import Deployment

#: Which database it was, for the head of the table; known when it was measured.
DATABASE = ""
SOCKETS = 200
DEVICES = 10_000
#: Reports in a second, for so long, by so many processes.
RATE = 300
SECONDS = 15
WRITERS = 4
#: Rows of a page.
ROWS = 100
#: A device tells that it installs, and this number of reports later that it has installed.
APART = 600


class Spent(NamedTuple):
    """What the web server and all processors had computed at a moment."""

    web: float
    idle: float
    nice: float
    all: float


class Run(NamedTuple):
    """What happened: the commits in their order, what came to each page, and what it cost."""

    commits: list[reporting.Commit]
    pages: list[sockets.Page]
    opening: float
    spent: Spent
    memory: tuple[float, float]


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
            return rows_of(watched(f"127.0.0.1:{port}"))
        finally:
            connections.close_all()


def watched(host: str) -> Run:
    """A deployment under way, the pages that watch it, and the reports of its devices."""
    from tests import cast

    deployment = under_way()
    instances = list(
        deployment.instances.order_by("position").values_list("pk", "device__client", "workload__uid")
    )
    cookie = cast.sign_in(cast.viewer()).cookies["sessionid"].value
    keys = [pk for pk, _, _ in instances]
    shown = [tuple(keys[at : at + ROWS]) for at in range(0, DEVICES, ROWS)]
    pages = sockets.opened(
        f"ws://{host}/ws/deployments/{deployment.pk}/",
        f"http://{host}",
        cookie,
        [shown[one % len(shown)] for one in range(SOCKETS)],
    )
    connections.close_all()
    with servers.served("web", "worker", "beat") as (web, *_):
        until(lambda: answers(f"http://{host}/login/"), seconds=60, what="the web server")
        return asyncio.run(_run(pages, list(script(instances)), web.pid))


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


def script(instances: Iterable[tuple[int, int, object]]) -> Iterable[reporting.Word]:
    """All reports in their order: some devices begin to install, then they have installed."""
    order = list(instances)
    random.Random(17).shuffle(order)
    number = 0
    while number < RATE * SECONDS:
        wave, order = order[:APART], order[APART:]
        for step in (1, 2):
            for instance, client, uid in wave:
                yield reporting.Word(instance, client, str(uid), step, number / RATE)
                number += 1


async def _run(pages, words: list[reporting.Word], web: int) -> Run:
    before, begun = pss(web), time.monotonic()
    async with pages as opened:
        opening = time.monotonic() - begun
        start = spent(web)
        commits = await asyncio.to_thread(reporting.held, words, WRITERS)
        await sockets.until(
            lambda: all(page.steps == len(commits) for page in opened), "every report at every page"
        )
        end = spent(web)
        memory = before, pss(web)
    cost = Spent(*(after - once for once, after in zip(start, end, strict=True)))
    return Run(commits, opened, opening, cost, memory)


def rows_of(run: Run) -> list[Row]:
    """The table."""
    first, last = run.commits[0][0], run.commits[-1][0]
    rate = (len(run.commits) - 1) / (last - first)
    told = [[one for one in page.frames if one[0] >= first] for page in run.pages]
    times = [[at for at, _ in frames] for frames in told]
    frames = [frame for page in told for _, frame in page]
    seconds = times[0][-1] - first
    late = sorted(delays(run.commits, told))
    seen = sorted(rows_seen(run.commits, run.pages))
    kinds = {kind: sum(one.kind == kind for one in frames) for kind in ("change", "beat", "snapshot")}
    return [
        row(f"reports a second, {RATE} wanted, {len(run.commits)} in all", f"{rate:.0f}"),
        row(f"{SOCKETS} pages opened, each with its rows, s", f"{run.opening:.1f}"),
        row("frames a second at a page, mean", f"{len(frames) / len(told) / seconds:.2f}"),
        row("… most within a second at any page", str(max(map(most, times))), "<= 4"),
        row("… changes / beats / snapshots", " / ".join(str(one) for one in kinds.values())),
        row("… with more changes than they carry", str(sum(one.more for one in frames))),
        row("… mean size of a change, kB", f"{mean(one.size for one in frames if one.kind == 'change') / 1e3:.1f}"),
        row("commit to the counts at a page: median, s", f"{median(late):.3f}"),
        row("… 99 %, s", f"{at_share(late, 0.99):.3f}", "<= 1"),
        row("… slowest, s", f"{late[-1]:.3f}"),
        row("commit to the row at the pages that show it: median, s", f"{median(seen):.3f}"),
        row("… 99 %, s", f"{at_share(seen, 0.99):.3f}", "<= 1"),
        row("… slowest, s", f"{seen[-1]:.3f}"),
        row("web server: processor time of a frame at a page, ms", f"{run.spent.web / len(frames) * 1e3:.2f}"),
        row("… of a processor, %", f"{run.spent.web / seconds * 100:.0f}"),
        row("… memory (PSS) before and with the pages, MB", "{:.0f} / {:.0f}".format(*run.memory)),
        row(
            "the processors: idle / with what yields (nice), %",
            f"{run.spent.idle / run.spent.all * 100:.0f} / {run.spent.nice / run.spent.all * 100:.0f}",
        ),
    ]


def row(what: str, measured: str, aim: str = "") -> Row:
    """One row."""
    return {"what": what, "measured": measured, "aim": aim}


def delays(
    commits: Sequence[reporting.Commit], told: Iterable[list[tuple[float, sockets.Frame]]]
) -> Iterable[float]:
    """For each report and page: from the commit to the first frame whose counts know of it."""
    for frames in told:
        known = 0
        for at, frame in frames:
            for committed, _, _ in commits[known : frame.steps or 0]:
                yield max(0.0, at - committed)
            known = max(known, frame.steps or 0)
        assert known == len(commits), "A page never came to know of a report."


def rows_seen(
    commits: Iterable[reporting.Commit], pages: Iterable[sockets.Page]
) -> Iterable[float]:
    """The same for the rows that a page shows, by the frames that tell the row itself."""
    committed = {(instance, step): at for at, instance, step in commits}
    for page in pages:
        shows = set(page.shows)
        open_ = {key: at for key, at in committed.items() if key[0] in shows}
        for at, frame in page.frames:
            for instance in shows & frame.rows.keys():
                for step in range(1, frame.rows[instance] + 1):
                    if (since := open_.pop((instance, step), None)) is not None:
                        yield max(0.0, at - since)
        assert not open_, "A page was never told about a row that it shows."


def most(times: Sequence[float]) -> int:
    """The most frames within any second."""
    first, found = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        found = max(found, last - first + 1)
    return found


def at_share(ordered: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spent(process: int) -> Spent:
    """Seconds of processor time until now."""
    tick = os.sysconf("SC_CLK_TCK")
    of_web = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    numbers = [int(one) / tick for one in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return Spent((int(of_web[11]) + int(of_web[12])) / tick, numbers[3], numbers[1], sum(numbers))


def answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
