"""Releasing a batch: its content becomes the desired state of its devices, by set-based SQL.

Nothing is rendered here. The document of a device is made when its client polls
(deployments.publishing), so a release costs the same few statements for ten devices and for ten
thousand.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from deployments.models import Batch, Deployment, Instance, Revision, Workload
from deployments.moves import binding, instances
from deployments.moves.locks import look_up_by_index
from deployments.rows import RandomUuid, Source, insert_from
from deployments.states import Failure, State
from devices.desire import raise_generation

#: So many instances are released by one transaction, so that none takes long.
CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Released:
    """How a release went: devices that got new content, and those that run it already."""

    devices: int
    satisfied: int


def release(deployment: Deployment, batch: Batch, now: datetime) -> Released:
    """Releases the first CHUNK queued instances of a batch; call it inside a transaction."""
    look_up_by_index()
    queued = Instance.objects.filter(batch=batch, state=State.QUEUED)
    first = queued.aggregate(first=Min("position"))["first"]
    if first is None:
        return Released(0, 0)
    waiting = queued.filter(position__lt=first + CHUNK)
    satisfied = instances.skip_satisfied(waiting, deployment, deployment.content, now)
    # Clients first: releases and polls take the rows in the same order, so none waits in a ring.
    raise_generation(waiting.values("device__client"))
    _make_workloads(waiting)
    newest = binding.newest_revision()
    _make_revisions(deployment, waiting, now)
    binding.want(binding.made_since(newest, now))
    released = binding.release(waiting, now)
    begun = Instance.objects.filter(batch=batch, state=State.PENDING, released_at=now)
    instances.give_up_gone(begun, Failure.UNREACHABLE, "The device has left the fleet.", now)
    return Released(released, satisfied)


def _make_workloads(waiting: QuerySet[Instance]) -> None:
    values: dict[str, Source] = {
        "device": F("device_id"),
        "application": F("application_id"),
        "uid": RandomUuid(),
        "state": Value("", output_field=CharField()),
    }
    insert_from(Workload, values, waiting.order_by(), skip_conflicts=True)


def _make_revisions(deployment: Deployment, waiting: QuerySet[Instance], now: datetime) -> None:
    # What a device was given before it would not look at again under the same digest: each new
    # revision of the same content is an attempt of its own.
    earlier = Revision.objects.filter(
        workload=OuterRef("device__workloads"), content=deployment.content
    )
    again = earlier.order_by("-attempt").values(next=F("attempt") + 1)[:1]
    values: dict[str, Source] = {
        "workload": F("device__workloads__pk"),
        "deployment": F("deployment_id"),
        "version": Value(deployment.version_id, output_field=IntegerField()),
        "replaces": F("device__workloads__wanted_id"),
        "content": Value(deployment.content, output_field=CharField()),
        "attempt": Coalesce(Subquery(again), 0, output_field=IntegerField()),
        "digest": Value("", output_field=CharField()),
        "created_at": Value(now, output_field=DateTimeField()),
        "removal": Value(False, output_field=BooleanField()),
    }
    theirs = waiting.order_by().filter(device__workloads__application=F("application"))
    insert_from(Revision, values, theirs)
