"""Labels of many devices changed at once: what would change first, then exactly that."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from devices import labels
from devices.label_limits import excess
from devices.models import Device

#: So many devices are labelled at a time: each of them is locked while it is done.
MOST_DEVICES = 2000
#: Devices whose labels the preview shows before and after.
SHOWN = 10
_CHUNK = 500

Labels = dict[str, list[str]]
Part = TypeVar("Part")


class RelabellingError(Exception):
    """The labels cannot be changed like this, and why."""


class How(StrEnum):
    """What happens to the labels that were assigned before."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Wish:
    """The change that is asked for; to remove a key as a whole, it has no values."""

    how: How
    labels: Mapping[str, list[str]]

    def after(self, before: Labels) -> Labels:
        """The assigned labels of a device that had `before`."""
        changed = {key: list(values) for key, values in before.items()}
        for key, values in self.labels.items():
            kept = _CHANGES[self.how](changed.pop(key, []), values)
            if kept:
                changed[key] = kept
        return changed

    def sentence(self) -> str:
        """What is kept in each device's history."""
        pairs = (f"{key}={value}" for key, values in self.labels.items() for value in values)
        whole = (key for key, values in self.labels.items() if not values)
        return f"Labels {_WORDS[self.how]} in bulk: {', '.join([*pairs, *whole])}."


@dataclass(frozen=True, slots=True)
class Change:
    """A device and what becomes of the labels assigned to it."""

    device: Device
    after: Labels

    def effective(self) -> tuple[Labels, Labels]:
        """What selectors see of it, before and after."""
        reported = self.device.reported_labels
        return (
            labels.effective(reported, self.device.assigned_labels),
            labels.effective(reported, self.after),
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: to how many of the chosen devices, and to the first of them what.

    `digest` stands for all of it, so that exactly this is done or nothing.
    """

    total: int = 0
    changes: list[Change] = field(default_factory=list)
    digest: str = ""

    @property
    def first(self) -> list[Change]:
        """Those that are shown."""
        return self.changes[:SHOWN]

    @property
    def more(self) -> int:
        """How many others change."""
        return max(0, len(self.changes) - SHOWN)

    @property
    def unchanged(self) -> int:
        """How many have it like this already."""
        return self.total - len(self.changes)


def preview(chosen: QuerySet[Device], wish: Wish) -> Preview:
    """What the wish would change; raises RelabellingError when it cannot be granted."""
    wanted = Device.objects.filter(pk__in=chosen.order_by().values("pk"))
    columns = wanted.only("path", "reported_labels", "assigned_labels").order_by("path", "pk")
    return _preview(list(columns[: MOST_DEVICES + 1]), wish)


def relabel(chosen: QuerySet[Device], wish: Wish, *, actor: User, digest: str) -> int:
    """Does what the preview with this digest said; answers for how many devices.

    Raises RelabellingError when devices or labels are others by now.
    """
    with transaction.atomic():
        keys = list(chosen.order_by().values_list("pk", flat=True)[: MOST_DEVICES + 1])
        # Locked in the order of the keys: their clients may be reporting at this moment.
        held = [device for part in _parts(sorted(keys)) for device in _lock(part)]
        found = _preview(sorted(held, key=lambda one: (one.path, one.pk)), wish)
        if found.digest != digest:
            raise RelabellingError(
                "Devices or labels changed since this was shown: look at it once more."
            )
        for part in _parts(found.changes):
            _write(part)
        changed = [change.device for change in found.changes]
        LogEntry.objects.log_actions(actor.pk, changed, CHANGE, change_message=wish.sentence())
    return len(changed)


def _preview(found: list[Device], wish: Wish) -> Preview:
    if len(found) > MOST_DEVICES:
        raise RelabellingError(
            f"At most {MOST_DEVICES} devices can be labelled at a time: narrow the list first."
        )
    changes = []
    for device in found:
        before = labels.effective({}, device.assigned_labels)
        after = wish.after(before)
        if problem := excess(after):
            raise RelabellingError(f"The device {device} would have too many: {problem}.")
        if after != before:
            changes.append(Change(device, after))
    return Preview(len(found), changes, _digest(found, wish))


def _digest(found: Iterable[Device], wish: Wish) -> str:
    told = [(device.pk, device.reported_labels, device.assigned_labels) for device in found]
    return hashlib.sha256(repr((wish, told)).encode()).hexdigest()


def _lock(keys: list[int]) -> list[Device]:
    held = Device.objects.filter(pk__in=keys).order_by("pk")
    columns = "path", "reported_labels", "assigned_labels"
    return list(held.select_for_update(no_key=True, of=("self",)).only(*columns))


def _write(changes: list[Change]) -> None:
    for change in changes:
        change.device.assigned_labels = change.after
    devices = [change.device for change in changes]
    Device.objects.bulk_update(devices, ["assigned_labels"])
    labels.reindex_all(devices)


def _parts(whole: list[Part]) -> Iterator[list[Part]]:
    for start in range(0, len(whole), _CHUNK):
        yield whole[start : start + _CHUNK]


def _replaced(_before: list[str], values: list[str]) -> list[str]:
    return values


def _added(before: list[str], values: list[str]) -> list[str]:
    return list(dict.fromkeys([*before, *values]))


def _removed(before: list[str], values: list[str]) -> list[str]:
    return [value for value in before if values and value not in values]


_CHANGES: dict[How, Callable[[list[str], list[str]], list[str]]] = {
    How.REPLACE: _replaced,
    How.ADD: _added,
    How.REMOVE: _removed,
}
_WORDS = {How.REPLACE: "set", How.ADD: "added", How.REMOVE: "removed"}
