"""Rows that are locked before others, so that no two transactions wait for each other in a ring.

The order is: deployment, clients by id, revisions, workloads by id, instances.
"""

from django.db import connection
from django.db.models import QuerySet

from deployments.models import Instance, Workload


def lock_workloads(instances: QuerySet[Instance]) -> None:
    """Locks the workloads of these instances, as a report does before it writes its instance."""
    theirs = Workload.objects.filter(pk__in=instances.order_by().values("workload"))
    list(theirs.order_by("pk").select_for_update().values_list("pk", flat=True))


def lock_instances(instances: QuerySet[Instance]) -> None:
    """Locks them last, so that none changes between being read and being written."""
    list(instances.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def look_up_by_index() -> None:
    """Until the end of this transaction, PostgreSQL finds rows by index wherever it can.

    It plans by statistics, and those of a table that has just grown by ten thousand rows tell of
    the time before: what it takes for an empty table is then read from end to end for each row.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
