"""Who belongs to a group: its explicit members and whoever its selector matches."""

from django.db.models import Q, QuerySet

from devices import selectors
from devices.models import Device, DeviceGroup


def members_of(group: DeviceGroup) -> QuerySet[Device]:
    """The group's devices that are on the fleet now."""
    belongs = Q(pk__in=group.members.values("pk"))
    if group.selector.strip():
        belongs |= selectors.matching(group.selector)
    return Device.objects.present().filter(belongs)
