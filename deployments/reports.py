"""What a device says about a deployment, matched to what it was asked to run.

A device names a deploymentId, not a digest. A report counts for the revision that was published
last when the manifest it was made under is at or above the one that made this revision the target;
anything else is kept as history and changes no state (Margo: read receipts for desired state).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from deployments import events
from deployments.models import Instance, Revision, StatusReport, Workload
from deployments.moves import instances
from deployments.observing import observation
from deployments.states import ON_THE_WAY, Status
from devices.models import Client, Device

#: Characters kept of an error text.
LONGEST_ERROR = 4000
#: A report and another move of the same instance may cross; the later one looks again.
ATTEMPTS = 3


class UnknownDeploymentError(Exception):
    """The client has no such deployment; one of another client looks exactly the same."""


class WrongDeviceError(Exception):
    """The report names a device that this deployment is not for."""


@dataclass(frozen=True, slots=True)
class Component:
    """The state of one component of the workload."""

    name: str
    state: Status
    error: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A status report in our words; `adopted` is None from clients that do not send it."""

    state: Status
    adopted: int | None
    components: tuple[Component, ...] = ()
    error: str = ""
    device_path: str | None = None


def receive(client: Client, uid: str, report: Report, *, now: datetime) -> None:
    """Takes a report in: one short transaction that never locks the deployment's row.

    Raises UnknownDeploymentError or WrongDeviceError, and then nothing was written.
    """
    workload_pk = _find(client, uid, report)
    with transaction.atomic():
        workload = Workload.objects.select_for_update().get(pk=workload_pk)
        revision = published(workload.wanted)
        remark = why_not_counted(client, revision, report)
        row = _history(client, workload, report, remark, now)
        row.revision = revision
        if _repeats_the_last(row):
            Workload.objects.filter(pk=workload.pk).update(reported_at=now)
            return
        row.save(force_insert=True)
        if revision is None or remark:
            Workload.objects.filter(pk=workload.pk).update(reported_at=now)
            return
        _update_workload(workload, revision, report, now)
        _update_instance(revision, report, now)


def published(wanted: Revision | None) -> Revision | None:
    """What the device was told last: the wanted revision, or what it replaces until it is told.

    What is wanted now may yet be taken back, and then it is this that the device runs.
    """
    while wanted is not None and wanted.target_version is None:
        wanted = wanted.replaces
    return wanted


def why_not_counted(client: Client, revision: Revision | None, report: Report) -> str:
    """Why the report says nothing about the published revision; empty when it does."""
    if revision is None or revision.target_version is None:
        return "There is nothing published here that it could be about."
    if report.adopted is None:
        if client.proved_version < revision.target_version:
            return "Sent without a manifest version, before the client held the current manifest."
        return ""
    if report.adopted < revision.target_version:
        return f"About manifest {report.adopted}; the current content came with a later one."
    if report.adopted > client.manifest_version:
        return f"About manifest {report.adopted}, which was never published to this client."
    return ""


def _find(client: Client, uid: str, report: Report) -> int:
    key = _key(uid)
    found = Workload.objects.filter(device__client=client)
    row = found.filter(uid=key).values_list("pk", "device__path").first() if key else None
    if row is None:
        raise UnknownDeploymentError(f"There is no deployment {uid[:100]}.")
    if report.device_path is not None and report.device_path != row[1]:
        raise WrongDeviceError("is not the device of this deployment")
    return row[0]


def _key(uid: str) -> uuid.UUID | None:
    """The id; None for every other spelling, although Python would read some as an id too."""
    try:
        key = uuid.UUID(uid)
    except ValueError:
        return None
    return key if str(key) == uid.lower() else None


def _components(report: Report) -> list[dict[str, str]]:
    return [
        {"name": one.name, "state": one.state.value, "error": one.error[:LONGEST_ERROR]}
        for one in report.components
    ]


def _history(
    client: Client, workload: Workload, report: Report, remark: str, now: datetime
) -> StatusReport:
    # A version that was never published may be too large for the column; the remark names it.
    known = report.adopted is not None and report.adopted <= client.manifest_version
    return StatusReport(
        workload=workload,
        revision=workload.wanted,
        received_at=now,
        state=report.state.value,
        adopted_version=report.adopted if known else None,
        components=_components(report),
        error=report.error[:LONGEST_ERROR],
        counted=not remark,
        remark=remark,
    )


def _repeats_the_last(row: StatusReport) -> bool:
    """The same words again add nothing to the history."""
    last = StatusReport.objects.filter(workload=row.workload_id).order_by("-pk").first()
    said = "revision_id", "state", "adopted_version", "error", "components", "counted", "remark"
    return last is not None and all(getattr(last, name) == getattr(row, name) for name in said)


def _update_workload(workload: Workload, revision: Revision, report: Report, now: datetime) -> None:
    changes: dict[str, object] = {"reported_at": now}
    # A repeated or late word of the way there does not take its end back.
    arrived = workload.state == Status.INSTALLED and workload.installed_id == revision.pk
    if not (arrived and report.state in ON_THE_WAY):
        changes["state"] = report.state.value
    if report.state is Status.INSTALLED and not revision.removal:
        changes["installed"] = revision
        if revision.installed_at is None:
            Revision.objects.filter(pk=revision.pk).update(installed_at=now)
    elif report.state is Status.REMOVED:
        changes["installed"] = None
    Workload.objects.filter(pk=workload.pk).update(**changes)
    if Status.FAILED in {workload.state, report.state}:
        _note_failing(workload.device_id)


def _note_failing(device_pk: int) -> None:
    # Two workloads of one device may report at once: the second must see what the first wrote.
    device = Device.objects.select_for_update(no_key=True).only("failing").get(pk=device_pk)
    failing = Workload.objects.filter(device=device, state=Status.FAILED).exists()
    if failing != device.failing:
        Device.objects.filter(pk=device_pk).update(failing=failing)


def _update_instance(revision: Revision, report: Report, now: datetime) -> None:
    mine = Instance.objects.filter(revision=revision, holds=True)
    for _ in range(ATTEMPTS):
        instance = mine.first()
        if instance is None:
            return
        seen = observation(
            instance, report.state, report.components, report.error, removal=revision.removal
        )
        if seen is None:
            return
        if instances.observe(
            instance,
            seen.state,
            now=now,
            progress=seen.progress,
            words=seen.words,
            failure=seen.failure,
            error=seen.error[:LONGEST_ERROR],
        ):
            events.ring(instance.deployment_id)
            events.nudge(instance.deployment_id)
            return
