"""Who is in a group of devices."""

from django.db.models import Q

from devices import selectors
from devices.models import Device, DeviceGroup, DeviceQuerySet


def members_of(group: DeviceGroup) -> DeviceQuerySet:
    """The devices that are explicit members or match the selector, without removed ones.

    Raises devices.selectors.SelectorError, which a group saved through the portal never does.
    """
    explicit = DeviceGroup.members.through.objects.filter(devicegroup=group)
    wanted = Q(pk__in=explicit.values("device"))
    if group.selector.strip():
        wanted |= selectors.matching(group.selector)
    return Device.objects.present().filter(wanted)
