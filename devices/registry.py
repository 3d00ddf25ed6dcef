"""What devices there are, by their clients' own account."""

from collections.abc import Mapping
from datetime import datetime

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import User
from devices import departures, labels
from devices.models import Client, Device

_COLUMNS = {"vendor": "vendor", "model_number": "modelNumber", "serial_number": "serialNumber"}


class GatewayUnknownError(Exception):
    """A child was reported before the gateway in front of it."""


class DeviceUnknownError(Exception):
    """The client has no such device."""


class DeviceStaysError(Exception):
    """The device cannot be deleted, and why."""


def report(
    client: Client, path: str, document: Mapping[str, object], raw: str, now: datetime
) -> bool:
    """Store what a device reports about itself in place of what it said before.

    `document` is a valid capabilities document, `raw` its text as it came. Returns whether the
    device is new, or back after it had been removed. Raises `GatewayUnknownError` for a child
    whose top-level device is not there (Margo: device capabilities).
    """
    with transaction.atomic():
        _require_gateway(client, path)
        device, _ = Device.objects.select_for_update().get_or_create(
            client=client, path=path, defaults={"created_at": now, "removed_at": now}
        )
        was_away = device.removed_at is not None
        _take_over(device, document)
        device.capabilities, device.capabilities_at, device.removed_at = raw, now, None
        device.save(
            update_fields=[
                *_COLUMNS,
                "properties",
                "reported_labels",
                "capabilities",
                "capabilities_at",
                "removed_at",
            ]
        )
        labels.reindex(device)
        if was_away:
            departures.announce_return(Device.objects.filter(pk=device.pk), now)
    return was_away


def remove(client: Client, path: str, now: datetime) -> None:
    """Take a device off the fleet, and the children behind it; their rows and history stay.

    Raises `DeviceUnknownError` when the client has no such device.
    """
    with transaction.atomic():
        if not _take_off(client, path, "The device was taken off the fleet by its client.", now):
            raise DeviceUnknownError(f"There is no device {path}.")


def retire(device: Device, *, actor: User, now: datetime) -> int:
    """The same by an operator's decision; return how many devices left, 0 if it had already.

    Nothing more is rolled out to it. When its client describes it again, it is back: to turn it
    away for good, its client is retired.
    """
    with transaction.atomic():
        why = "The device was retired in the portal."
        gone = _take_off(device.client, device.path, why, now)
        LogEntry.objects.log_actions(actor.pk, gone, CHANGE, change_message="Retired.")
    return len(gone)


def delete(device: Device, *, actor: User) -> None:
    """Forget a device that has left and to which nothing was ever rolled out.

    Raises `DeviceStaysError` for every other: its history names it.
    """
    with transaction.atomic():
        # Held, so that its client cannot bring it back at the same moment.
        held = Device.objects.select_for_update().filter(pk=device.pk).first()
        if held is None:
            raise DeviceStaysError(f"The device {device} was deleted already.")
        refuse_present(held)
        LogEntry.objects.log_actions(actor.pk, [held], DELETION, change_message="Deleted.")
        try:
            held.delete()
        except ProtectedError as error:
            raise DeviceStaysError(
                f"The device {device} stays: it took part in deployments, whose history names it."
            ) from error


def refuse_present(device: Device) -> None:
    """Raises `DeviceStaysError` for a device that is in the fleet."""
    if device.removed_at is None:
        raise DeviceStaysError(f"The device {device} is in the fleet: retire it first.")


def _take_off(client: Client, path: str, why: str, now: datetime) -> list[Device]:
    """The device and the children behind it, as far as they were present."""
    present = Device.objects.present().filter(client=client)
    leaving = list(present.filter(path=path).values_list("pk", flat=True))
    if not leaving:
        return []
    gone = Device.objects.filter(pk__in=leaving + _children(client, path))
    gone.update(removed_at=now)
    departures.announce(gone, why, now)
    return list(gone.only("path"))


def _require_gateway(client: Client, path: str) -> None:
    gateway, slash, _ = path.partition("/")
    if not slash:
        return
    present = Device.objects.present().filter(client=client, path=gateway)
    # Held until the child is stored, so that the gateway cannot leave without taking it along.
    if present.select_for_update().first() is None:
        raise GatewayUnknownError(f"The gateway {gateway} has not reported itself yet.")


def _children(client: Client, path: str) -> list[int]:
    start = f"{path}/"
    rows = Device.objects.present().filter(client=client, path__startswith=start)
    # SQLite's LIKE takes capitals and small letters for the same; device ids do not.
    return [pk for pk, child in rows.values_list("pk", "path") if child.startswith(start)]


def _take_over(device: Device, document: Mapping[str, object]) -> None:
    properties = document["properties"]
    assert isinstance(properties, dict)
    device.properties = properties
    device.reported_labels = document.get("labels", {})
    # The columns are for lists and search; the whole text stays among the properties.
    for column, member in _COLUMNS.items():
        setattr(device, column, str(properties[member])[:200])
