"""Devices that leave the fleet or come back, and who wants to know: apps above register here."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import QuerySet

from devices.models import Device

#: Gets the devices, a sentence that says why, and the moment; runs in the same transaction.
Listener = Callable[[QuerySet[Device], str, datetime], None]

#: Gets the devices and the moment; runs in the same transaction.
ReturnListener = Callable[[QuerySet[Device], datetime], None]

_listeners: list[Listener] = []
_return_listeners: list[ReturnListener] = []


def listen(listener: Listener) -> None:
    """Have `listener` called for every departure; called once, when an app is ready."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(devices: QuerySet[Device], why: str, now: datetime) -> None:
    """Tell everybody that these devices left; call it in the transaction of the change."""
    for listener in _listeners:
        listener(devices, why, now)


def listen_for_return(listener: ReturnListener) -> None:
    """Have `listener` called for every return; called once, when an app is ready."""
    if listener not in _return_listeners:
        _return_listeners.append(listener)


def announce_return(devices: QuerySet[Device], now: datetime) -> None:
    """Tell everybody that these devices are back; call it in the transaction of the change."""
    for listener in _return_listeners:
        listener(devices, now)
