"""Who is in a group of devices."""

from collections.abc import Mapping, Sequence

from django.db.models import Count, Q

from devices import labels, selectors
from devices.models import Device, DeviceGroup, DeviceQuerySet


def members_of(group: DeviceGroup) -> DeviceQuerySet:
    """The devices that are explicit members or match the selector, without removed ones.

    Raises devices.selectors.SelectorError, which a group saved through the portal never does.
    """
    return Device.objects.present().filter(_in_it(group))


def sizes(groups: Sequence[DeviceGroup]) -> dict[int, int]:
    """How many devices each of the groups has, by its key; one query for all of them."""
    counts = {str(group.pk): Count("pk", filter=_in_it(group)) for group in groups}
    found = Device.objects.present().aggregate(**counts)
    return {group.pk: found[str(group.pk)] for group in groups}


def groups_of(device: Device) -> list[DeviceGroup]:
    """The groups the device is in, by hand or by selector, by name; two queries for any number."""
    by_hand = set(device.groups.values_list("pk", flat=True))
    its_labels = labels.effective(device.reported_labels, device.assigned_labels)
    return [
        group
        for group in DeviceGroup.objects.all()
        if group.pk in by_hand or _is_selected(group, its_labels)
    ]


def _in_it(group: DeviceGroup) -> Q:
    explicit = DeviceGroup.members.through.objects.filter(devicegroup=group)
    wanted = Q(pk__in=explicit.values("device"))
    return wanted | selectors.matching(group.selector) if group.selector.strip() else wanted


def _is_selected(group: DeviceGroup, its_labels: Mapping[str, Sequence[str]]) -> bool:
    if not group.selector.strip():
        return False
    return all(one.met_by(its_labels) for one in selectors.parse(group.selector))
