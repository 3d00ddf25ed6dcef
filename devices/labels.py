"""Effective labels: what operators' selectors see, one row for each value."""

from collections.abc import Mapping

from django.db import transaction

from devices.models import Device, DeviceLabel

_LIMIT = 255


def effective(
    reported: Mapping[str, object], assigned: Mapping[str, object]
) -> dict[str, list[str]]:
    """Return the texts of each label; an assigned one hides a reported one of the same key."""
    return {key: _texts(value) for key, value in {**reported, **assigned}.items()}


def reindex(device: Device) -> None:
    """Make the device's label rows say what its labels say; call it in the same transaction.

    Keys and values of more than 255 characters have no row: no selector is that long.
    """
    wanted = {
        (key, text)
        for key, texts in effective(device.reported_labels, device.assigned_labels).items()
        for text in texts
        if len(key) <= _LIMIT and len(text) <= _LIMIT
    }
    present = {(label.key, label.value): label.pk for label in device.labels.all()}
    gone = [pk for label, pk in present.items() if label not in wanted]
    if gone:
        DeviceLabel.objects.filter(pk__in=gone).delete()
    fresh = sorted(wanted - present.keys())
    DeviceLabel.objects.bulk_create(
        DeviceLabel(device=device, key=key, value=value) for key, value in fresh
    )


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
