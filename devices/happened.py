"""What happened to a device: what it did, as far as that is kept, and what people did to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from devices.models import Device
from devices.status import Status, facts_of, offline_after, status

#: Within so much time of the first word of it, a device describes itself, and does not do it anew.
AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Happened:
    """One line: when, in what tone, what; `who` is empty where no person did it."""

    at: datetime
    tone: str
    words: str
    who: str = ""


def by_itself(device: Device, now: datetime) -> Iterator[Happened]:
    """When it came, described itself, fell silent and left; its client should be loaded."""
    yield Happened(device.created_at, "run", "First seen.")
    described, seen = device.capabilities_at, device.client.last_seen_at
    if described and described - device.created_at > AT_ONCE:
        yield Happened(described, "run", "Described itself anew.")
    if seen and status(facts_of(device), now) is Status.OFFLINE:
        yield Happened(seen + offline_after(), "warn", "Offline since then: its client is silent.")
    if device.removed_at:
        yield Happened(device.removed_at, "idle", "Left the fleet.")


def by_people(device: Device, most: int) -> list[Happened]:
    """The newest that people did to it."""
    kind = ContentType.objects.get_for_model(Device)
    about_it = LogEntry.objects.filter(content_type=kind, object_id=str(device.pk))
    newest = about_it.select_related("user").order_by("-action_time", "-pk")[:most]
    return [
        Happened(
            entry.action_time,
            "idle",
            entry.get_change_message() or "Changed.",
            who=entry.user.get_username(),
        )
        for entry in newest
    ]
