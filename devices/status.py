"""Whether a device is there: one rule, in Python for one device and in SQL for a list.

A test compares the two over every combination of facts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

from django.conf import settings
from django.db.models import Case, CharField, Count, Q, QuerySet, Value, When

from accounts.look import Look
from devices.models import Client, Device

#: Whoever was silent for longer than this is not called offline any more.
FORGOTTEN_AFTER = timedelta(days=30)


class Status(StrEnum):
    """What the portal knows about a device right now."""

    ONLINE = "online"
    OFFLINE = "offline"
    ERROR = "error"
    PENDING = "pending"
    UNKNOWN = "unknown"


LOOKS: dict[Status, Look] = {
    Status.ONLINE: Look("ok", "●", "Online"),
    Status.OFFLINE: Look("warn", "○", "Offline"),
    Status.ERROR: Look("bad", "✕", "Error"),
    Status.PENDING: Look("run", "◷", "Pending"),
    Status.UNKNOWN: Look("idle", "?", "Unknown"),
}

MEANINGS: dict[Status, str] = {
    Status.ONLINE: "Its client was heard lately, and nothing on it was last reported as failed.",
    Status.OFFLINE: "Its client has been silent for longer than the limit.",
    Status.ERROR: "A workload on it was last reported as failed.",
    Status.PENDING: "Its client is not accepted yet, was never heard, or never described it.",
    Status.UNKNOWN: "It was removed, its client was retired, or nothing was heard for 30 days.",
}


class StatusNow(TypedDict):
    """What `with_status` adds to a row."""

    status_now: str


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    DeviceWithStatus = WithAnnotations[Device, StatusNow]
else:
    DeviceWithStatus = Device


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the status of a device depends on, besides the clock."""

    client_state: str
    last_seen_at: datetime | None
    capabilities_at: datetime | None
    failing: bool
    removed: bool


def facts_of(device: Device) -> Facts:
    """The facts of a row; its client should be loaded."""
    return Facts(
        client_state=device.client.state,
        last_seen_at=device.client.last_seen_at,
        capabilities_at=device.capabilities_at,
        failing=device.failing,
        removed=device.removed_at is not None,
    )


def offline_after() -> timedelta:
    """How long a client may be silent before its devices count as offline."""
    return timedelta(seconds=settings.DEVICE_OFFLINE_AFTER_SECONDS)


def status(facts: Facts, now: datetime, silence: timedelta | None = None) -> Status:
    """The status that follows from the facts; `silence` is the limit, from the settings if None."""
    if facts.removed or facts.client_state == Client.State.RETIRED:
        return Status.UNKNOWN
    if facts.client_state != Client.State.ACCEPTED or facts.capabilities_at is None:
        return Status.PENDING
    if facts.last_seen_at is None:
        return Status.PENDING
    silent = now - facts.last_seen_at
    if silent > FORGOTTEN_AFTER:
        return Status.UNKNOWN
    if silent > (offline_after() if silence is None else silence):
        return Status.OFFLINE
    return Status.ERROR if facts.failing else Status.ONLINE


def with_status(
    devices: QuerySet[Device], now: datetime, silence: timedelta | None = None
) -> QuerySet[DeviceWithStatus]:
    """The same rule as SQL: each row gets `status_now`, to filter and count by."""
    limit = now - (offline_after() if silence is None else silence)
    rule = Case(
        When(Q(removed_at__isnull=False) | Q(client__state="retired"), then=Value("unknown")),
        When(
            ~Q(client__state="accepted") | Q(capabilities_at=None) | Q(client__last_seen_at=None),
            then=Value("pending"),
        ),
        When(client__last_seen_at__lt=now - FORGOTTEN_AFTER, then=Value("unknown")),
        When(client__last_seen_at__lt=limit, then=Value("offline")),
        When(failing=True, then=Value("error")),
        default=Value("online"),
        output_field=CharField(),
    )
    return devices.annotate(status_now=rule)


def counts(devices: QuerySet[Device], now: datetime) -> dict[Status, int]:
    """How many devices have each status, in one query."""
    rows = (
        with_status(devices, now).order_by().values_list("status_now").annotate(count=Count("pk"))
    )
    found = dict(rows)
    return {one: found.get(one.value, 0) for one in Status}
