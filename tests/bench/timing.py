"""One row of a table: how long it took, and how much processor time of us and of the database.

The clock on the wall also counts what else the machine does; processor time does not, so where the
two are far apart the machine was busy with something else.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

from django.db import connection

Row = dict[str, object]


def timed(what: str, work: Callable[[], object], *, aim: str = "") -> Row:
    """One row about one piece of work."""
    wall, cpu = took(work)
    return row(what, wall, cpu, aim=aim)


def best(what: str, work: Callable[[], object], *, of: int = 5, aim: str = "") -> Row:
    """One row about the fastest of several tries, since other programs only ever slow one down."""
    return fastest(what, [took(work) for _ in range(of)], aim=aim)


def fastest(what: str, tries: list[tuple[float, float]], *, aim: str = "") -> Row:
    """The same for tries that were made already."""
    wall, _ = min(tries)
    return row(f"{what}, best of {len(tries)}, s", wall, median(cpu for _, cpu in tries), aim=aim)


def row(what: str, wall: float, cpu: float, *, aim: str = "") -> Row:
    """Seconds, to the millisecond."""
    return {"what": what, "measured": f"{wall:.3f}", "cpu": f"{cpu:.3f}", "aim": aim}


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of the processors."""
    before, begun = processors(), time.monotonic()
    work()
    return time.monotonic() - begun, processors() - before


def processors() -> float:
    """Seconds that this process and its database connection have computed."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    backend = 0.0
    # A server on another machine has no such file, or somebody else's.
    with suppress(OSError):
        backend = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return time.process_time() + backend
