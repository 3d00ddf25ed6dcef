"""All rows that rules speak of, read at one moment."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from django.db import connection

from deployments.models import (
    Batch,
    Deployment,
    Event,
    Instance,
    Revision,
    StatusReport,
    Workload,
)
from devices.models import Client

COLUMNS = {
    Deployment: "pk stage status gate gate_batch gate_since start_at summary due_at claimed_until "
    "held_until hidden_at version_id content strategy edits ended_at started_at",
    Batch: "pk deployment_id number first size gate gate_opened_at accepted_failures released_at "
    "ended_at",
    Instance: "pk deployment_id device_id application_id batch_id position state workload_id "
    "revision_id restore_to_id attempts failure holds unjudged released_at fetched_at ended_at",
    Revision: "pk workload_id deployment_id replaces_id content attempt digest target_version "
    "withdrawn_at removal restores_id installed_at bad_at",
    Workload: "pk device_id application_id uid wanted_id installed_id state",
    Client: "pk state manifest_version proved_version desired_generation published_generation",
    Event: "pk deployment_id kind from_stage to_stage actor_id sentence at",
    StatusReport: "pk workload_id revision_id state counted received_at",
}
SHAPES = {
    model: NamedTuple(model.__name__, [(word, object) for word in words.split()])
    for model, words in COLUMNS.items()
}
#: Made once: building them anew would cost more than reading the rows.
SELECTS = {
    model: "SELECT {} FROM {}".format(
        ", ".join("id" if name == "pk" else f'"{name}"' for name in shape._fields),
        model._meta.db_table,
    )
    for model, shape in SHAPES.items()
}
#: Rows that are written once: only new ones are read.
WRITTEN_ONCE = (Event, StatusReport)


@dataclass
class Rows:
    """The tables by primary key."""

    deployments: dict = field(default_factory=dict)
    batches: dict = field(default_factory=dict)
    instances: dict = field(default_factory=dict)
    revisions: dict = field(default_factory=dict)
    workloads: dict = field(default_factory=dict)
    clients: dict = field(default_factory=dict)
    events: dict = field(default_factory=dict)
    reports: dict = field(default_factory=dict)

    def instances_of(self, deployment_pk: int) -> list:
        """A deployment's instances by position."""
        mine = [one for one in self.instances.values() if one.deployment_id == deployment_pk]
        return sorted(mine, key=lambda one: one.position)

    def batches_of(self, deployment_pk: int) -> list:
        """A deployment's batches by number."""
        mine = [one for one in self.batches.values() if one.deployment_id == deployment_pk]
        return sorted(mine, key=lambda one: one.number)

    def wanted(self, instance) -> object | None:
        """The revision that is wanted where this instance is."""
        if instance.workload_id is None:
            return None
        return self.revisions.get(self.workloads[instance.workload_id].wanted_id)


def read(before: Rows | None = None) -> Rows:
    """Everything; what is written once is taken from `before` as far as it is there."""
    known = before or Rows()
    return Rows(
        deployments=_table(Deployment),
        batches=_table(Batch),
        instances=_table(Instance),
        revisions=_table(Revision),
        workloads=_table(Workload),
        clients=_table(Client),
        events=_more(Event, known.events),
        reports=_more(StatusReport, known.reports),
    )


def _table(model) -> dict:
    shape = SHAPES[model]
    with connection.cursor() as cursor:
        cursor.execute(f"{SELECTS[model]} ORDER BY id")
        rows = {row[0]: shape._make(row) for row in cursor.fetchall()}
    if model is Deployment:
        return {pk: row._replace(strategy=_read(row.strategy)) for pk, row in rows.items()}
    return rows


@cache
def _read(text: str) -> dict:
    return json.loads(text)


def _more(model, known: dict) -> dict:
    newest = next(reversed(known), 0)
    shape = SHAPES[model]
    with connection.cursor() as cursor:
        cursor.execute(f"{SELECTS[model]} WHERE id > %s ORDER BY id", [newest])
        return {**known, **{row[0]: shape._make(row) for row in cursor.fetchall()}}


def moment(value: datetime | None) -> datetime | None:
    """A time as the database gives it: SQLite keeps it without its zone, in UTC."""
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=UTC)
