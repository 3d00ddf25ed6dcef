"""What the engine costs on PostgreSQL, by the size of the fleet."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import django
from django.core.management import call_command
from django.db import connection, connections, transaction

from tests.bench import servers
from tests.bench.timing import Row, best, fastest, timed, took

if TYPE_CHECKING:
    from deployments.models import Instance

#: Which database it was, for the head of the table; known when it was measured.
DATABASE = ""
#: At most so many devices are in flight when too many fail.
IN_FLIGHT = 10_000
#: Deployments of which none is due.
IDLE = 1_000
TRIES = 5


def measure(sizes: Iterable[int]) -> list[Row]:
    """Rows for each size, on a database made for the purpose."""
    global DATABASE
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with servers.postgresql() as address, servers.redis() as broker:
        DATABASE = servers.described(address)
        os.environ |= {"LINESIDE_DATABASE_URL": address, "LINESIDE_REDIS_URL": broker}
        django.setup()
        call_command("migrate", verbosity=0)
        try:
            return [
                *yardsticks(),
                *(row for size in sizes for row in at(size, workers=bool(broker))),
            ]
        finally:
            connections.close_all()


def at(size: int, *, workers: bool) -> list[Row]:
    """The rows of one size."""
    from tests.bench import reaction

    rows = rollout(size)
    rows.append(nothing_due(size))
    if not workers:
        return [*rows, {"what": f"{size}: reactions need redis-server", "measured": "-"}]
    with servers.workers():
        rows += reaction.breach(size, min(size, IN_FLIGHT))
        rows += reaction.undisturbed(size)
    return [{**row, "what": f"{size:>6}: {row['what']}"} for row in rows]


def rollout(size: int) -> list[Row]:
    """Create, start, release a tenth, judge, and take in reports."""
    from deployments import engine, moves, submitting
    from deployments.models import Instance
    from tests.bench import fleet, reporting
    from tests.deployments import plant

    fleet.arrive(size)
    app = f"app-{size}"
    fleet.ran_before(plant.a_version("1.0.0", app_id=app), fleet.everybody(size))
    draft = fleet.draft(
        plant.a_version("2.0.0", app_id=app),
        fleet.everybody(size),
        kind="rolling",
        batch_by="percent",
        batch_percent="10",
        install_timeout_seconds=86_400,
    )
    now, tenth = datetime.now(UTC), size // 10
    rows = [
        timed(
            f"create a deployment for {size}, s",
            lambda: submitting.submit(draft, actor=None, now=now),
            aim="<= 5" if size == 100_000 else "",
        ),
        timed(f"start it for {size}, s", lambda: moves.start(draft, actor=None, now=now)),
        timed(
            f"release a batch of {tenth}: the whole tick, s",
            lambda: engine.tick(draft.pk, now=now),
            aim="<= 0.5" if tenth == 10_000 else "",
        ),
    ]
    batch = draft.batches.get(number=1)
    rows.append(floor(batch.pk, tenth))
    fleet.poll_all(draft)
    flying = Instance.objects.filter(batch=batch).select_related("device__client", "workload")
    tries = [judging(draft.pk, one) for one in flying[:TRIES]]
    aim = "<= 0.05" if size == 100_000 else ""
    rows.append(fastest(f"one tick with a report to judge among {size}", tries, aim=aim))
    told = [(one.device.client_id, str(one.workload.uid)) for one in flying[TRIES:]]
    speed = reporting.reports_a_second(told)
    rows.append({"what": "reports a second at 8 connections", "measured": f"{speed:.0f}"})
    return rows


def judging(deployment: int, instance: "Instance") -> tuple[float, float]:
    """How long a tick takes that finds a report; the report itself is not counted."""
    from deployments import engine, reports
    from deployments.states import Status

    client, uid = instance.device.client, str(instance.workload.uid)
    report = reports.Report(Status.INSTALLED, client.manifest_version)
    reports.receive(client, uid, report, now=datetime.now(UTC))
    return took(lambda: engine.tick(deployment, now=datetime.now(UTC)))


def floor(batch: int, number: int) -> Row:
    """The same rows written by the barest statements, with the same indexes and foreign keys."""
    statements = (
        "SET LOCAL enable_seqscan = off",
        f"""INSERT INTO deployments_revision (workload_id, deployment_id, version_id, replaces_id,
            content, attempt, digest, created_at, removal)
            SELECT workload_id, deployment_id, (SELECT version_id FROM deployments_deployment d
            WHERE d.id = deployment_id), revision_id, '', 0, '', now(), false
            FROM deployments_instance WHERE batch_id = {batch}""",
        f"""UPDATE devices_client c SET desired_generation = desired_generation + 1
            FROM deployments_instance i JOIN devices_device d ON d.id = i.device_id
            WHERE i.batch_id = {batch} AND c.id = d.client_id""",
        f"""UPDATE deployments_workload w SET wanted_id = i.restore_to_id
            FROM deployments_instance i WHERE i.batch_id = {batch} AND w.id = i.workload_id""",
        f"""UPDATE deployments_instance SET revision_id = restore_to_id,
            restore_to_id = revision_id, workload_id = workload_id, changed_at = now(),
            state = 'queued' WHERE batch_id = {batch}""",
        "SET CONSTRAINTS ALL IMMEDIATE",
    )

    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            transaction.set_rollback(True)

    return best(f"… the barest statements that write the same {number} rows", write, of=3)


def nothing_due(size: int) -> Row:
    """The look of each second, when there is nothing to do."""
    from deployments import engine, tasks
    from deployments.models import Deployment

    busy = Deployment.objects.filter(stage="rolling").latest("pk")
    engine.tick(busy.pk, now=datetime.now(UTC))
    values = Deployment.objects.filter(pk=busy.pk).values().get()
    later = {"id": None, "due_at": datetime.now(UTC) + timedelta(hours=1)}
    made = Deployment.objects.bulk_create(Deployment(**values | later) for _ in range(IDLE))
    assert not engine.due(datetime.now(UTC)).exists()
    look = best(f"tick_all with {IDLE} deployments, none due", tasks.tick_all)
    Deployment.objects.filter(pk__in=[one.pk for one in made]).delete()
    return look


def yardsticks() -> list[Row]:
    """How fast this machine is at this moment: rows into a table without any index, commits."""

    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE yardstick (one bigint, two text)")
            cursor.execute("INSERT INTO yardstick SELECT n, 'x' FROM generate_series(1, 100000) n")
            cursor.execute("DROP TABLE yardstick")

    def commit() -> None:
        with connection.cursor() as cursor:
            for _ in range(100):
                cursor.execute("UPDATE committed SET one = one + 1")

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE committed AS SELECT 1 AS one")
    return [
        best("the machine: 100000 bare rows inserted", insert),
        best("the machine: 100 commits of one row each", commit),
    ]
