"""Devices that leave the fleet, and who wants to know: the apps above register here."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import QuerySet

from devices.models import Device

#: Gets the devices, a sentence that says why, and the moment; runs in the same transaction.
Listener = Callable[[QuerySet[Device], str, datetime], None]

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have `listener` called for every departure; called once, when an app is ready."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(devices: QuerySet[Device], why: str, now: datetime) -> None:
    """Tell everybody that these devices left; call it in the transaction of the change."""
    for listener in _listeners:
        listener(devices, why, now)
