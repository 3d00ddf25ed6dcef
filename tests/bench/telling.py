"""Reports at a steady pace, by processes that commit each of them alone."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devices.models import Client

WRITERS = 4

#: What a report leaves, in one statement: its line, and what it says about workload and instance.
BARE = """
WITH said AS (
    INSERT INTO deployments_statusreport (workload_id, revision_id, received_at, state,
        adopted_version, components, error, counted, remark)
    SELECT workload_id, revision_id, %(now)s, %(state)s, 1, '[]', '', true, ''
    FROM deployments_instance WHERE id = %(instance)s),
heard AS (
    UPDATE deployments_workload w SET state = %(state)s, reported_at = %(now)s
    FROM deployments_instance i WHERE i.id = %(instance)s AND w.id = i.workload_id)
UPDATE deployments_instance SET state = %(state)s, progress_words = %(words)s, unjudged = true,
    progress = %(progress)s, changed_at = %(now)s, changes = changes + 1 WHERE id = %(instance)s
"""


@dataclass(frozen=True, slots=True)
class Word:
    """One report: of which device, the how manieth of it, and how long after the beginning."""

    deployment: int
    instance: int
    client: int
    uid: str
    step: int
    at: float


#: A report that was committed: when, of which instance, and the how manieth of its device.
Commit = tuple[float, int, int]


def told(words: list[Word], seconds: float, *, bare: bool) -> list[Commit]:
    """Make each report at its time or as soon as it can be made, until the seconds are over.

    They are taken in as from the device interface, or, if `bare`, their rows are just written.
    All reports of one device are made by one process, or the second might overtake the first.
    """
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(WRITERS)
    ends = context.Queue()
    processes = [
        context.Process(
            target=_tell,
            args=([one for one in words if one.client % WRITERS == mine], seconds, bare),
            kwargs={"together": together, "ends": ends},
        )
        for mine in range(WRITERS)
    ]
    for process in processes:
        process.start()
    commits = [ends.get(timeout=300) for _ in processes]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0, "A process that reports has failed."
    return sorted(commit for some in commits for commit in some)


def change_all(deployment: int) -> tuple[float, dict[int, int]]:
    """One commit that changes every instance, as the release of a batch does.

    Answers when it was committed, and the version of each row.
    """
    from django.db import connections, transaction
    from django.db.models import F
    from django.utils import timezone

    from deployments import events
    from deployments.models import Instance

    mine = Instance.objects.filter(deployment=deployment)
    with transaction.atomic():
        mine.update(changes=F("changes") + 1, changed_at=timezone.now())
        versions = dict(mine.values_list("pk", "changes"))
        events.ring(deployment)
    committed = time.time()
    connections.close_all()
    return committed, versions


def _tell(
    words: list[Word],
    seconds: float,
    bare: bool,
    *,
    together: Barrier,
    ends: multiprocessing.Queue,
) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from devices.models import Client

    clients = Client.objects.in_bulk({word.client for word in words})
    tell: Callable[[Client, Word, datetime], None] = _write if bare else _receive
    commits: list[Commit] = []
    together.wait(120)
    begun = time.time()
    for word in words:
        time.sleep(max(0.0, begun + word.at - time.time()))
        if time.time() > begun + seconds:
            break
        tell(clients[word.client], word, timezone.now())
        commits.append((time.time(), word.instance, word.step))
    ends.put(commits)


def _receive(client: "Client", word: Word, now: datetime) -> None:
    from deployments import reports
    from deployments.states import Status

    state = Status.INSTALLING if word.step == 1 else Status.INSTALLED
    parts = tuple(reports.Component(name, state) for name in ("controller", "screen"))
    report = reports.Report(state, client.manifest_version, parts)
    reports.receive(client, word.uid, report, now=now)


def _write(_client: "Client", word: Word, now: datetime) -> None:
    from django.db import connection, transaction

    from deployments import events

    state, words, progress = ("installing", "Installing", 65)
    if word.step == 2:
        state, words, progress = ("installed", "Installed", 100)
    given = {"state": state, "words": words, "progress": progress, "now": now}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(BARE, {**given, "instance": word.instance})
        events.ring(word.deployment)
        events.nudge(word.deployment)
