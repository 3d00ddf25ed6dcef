"""What devices there are, by their clients' own account."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from devices import departures, labels
from devices.models import Client, Device

_COLUMNS = {"vendor": "vendor", "model_number": "modelNumber", "serial_number": "serialNumber"}


class GatewayUnknownError(Exception):
    """A child was reported before the gateway in front of it."""


class DeviceUnknownError(Exception):
    """The client has no such device."""


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
        present = Device.objects.present().filter(client=client)
        leaving = list(present.filter(path=path).values_list("pk", flat=True))
        if not leaving:
            raise DeviceUnknownError(f"There is no device {path}.")
        gone = Device.objects.filter(pk__in=leaving + _children(client, path))
        gone.update(removed_at=now)
        departures.announce(gone, "The device was taken off the fleet by its client.", now)


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
