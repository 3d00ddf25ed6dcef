"""Effective labels: what operators' selectors see, one row for each value."""

from collections.abc import Collection, Iterator, Mapping

from django.db import transaction

from devices.models import Device, DeviceLabel

_LIMIT = 255


def effective(
    reported: Mapping[str, object], assigned: Mapping[str, object]
) -> dict[str, list[str]]:
    """Return the texts of each label; an assigned one hides a reported one of the same key."""
    return {key: _texts(value) for key, value in {**reported, **assigned}.items()}


def reindex(device: Device) -> None:
    """Make the device's label rows say what its labels say; call it in the same transaction."""
    reindex_all([device])


def reindex_all(devices: Collection[Device]) -> None:
    """The same for several devices, by as many statements as for one.

    Keys and values of more than 255 characters have no row: no selector is that long.
    """
    wanted = {row for device in devices for row in _rows(device)}
    rows = DeviceLabel.objects.filter(device__in=devices)
    present = {(row.device_id, row.key, row.value): row.pk for row in rows}
    gone = [pk for label, pk in present.items() if label not in wanted]
    if gone:
        DeviceLabel.objects.filter(pk__in=gone).delete()
    fresh = sorted(wanted - present.keys())
    DeviceLabel.objects.bulk_create(
        DeviceLabel(device_id=device, key=key, value=value) for device, key, value in fresh
    )


def _rows(device: Device) -> Iterator[tuple[int, str, str]]:
    its_labels = effective(device.reported_labels, device.assigned_labels)
    for key, texts in its_labels.items():
        for text in texts:
            if len(key) <= _LIMIT and len(text) <= _LIMIT:
                yield device.pk, key, text


def assign(device: Device, assigned: Mapping[str, list[str]]) -> None:
    """Give the device these labels in place of those assigned before."""
    with transaction.atomic():
        # Its client may be reporting other labels at this moment.
        device = Device.objects.select_for_update().get(pk=device.pk)
        device.assigned_labels = dict(assigned)
        device.save(update_fields=["assigned_labels"])
        reindex(device)


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(_text(item) for item in items))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
