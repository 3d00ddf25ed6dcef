"""Which devices a deployment is for: as chosen, whether they fit, and who is in the way."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from applications.models import Application, ApplicationVersion
from deployments.fit import why_not
from deployments.models import Deployment, Instance
from deployments.rows import Among
from devices import kinds, selectors
from devices.groups import members_of
from devices.models import Client, Device, DeviceGroup

#: How many devices a sentence or a preview names before it only counts.
NAMED = 3
#: What is read of every device to judge it: id, path, state of its client, when it was removed,
#: kind. Plain tuples: there may be 100 000 of them.
Standing = tuple[int, str, str, datetime | None, str | None]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A chosen device that cannot run the profile, and why."""

    device_id: int
    path: str
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of the chosen devices fit, and which do not."""

    fitting: int = 0
    misfits: list[Misfit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Holder:
    """A deployment that is changing the same application on a chosen device."""

    path: str
    deployment_id: int
    deployment_name: str


def chosen(targeting: Mapping[str, object]) -> QuerySet[Device]:
    """The devices of a targeting: ids, groups and a label expression, without the excluded.

    Raises devices.selectors.SelectorError for an expression that cannot be read.
    """
    wanted = Q(Among("pk", keys_in(targeting, "ids")))
    for group in groups_in(targeting):
        wanted |= Q(pk__in=members_of(group).values("pk"))
    if labels := str(targeting.get("labels") or "").strip():
        wanted |= selectors.matching(labels)
    devices = Device.objects.present().filter(wanted)
    excluded = keys_in(targeting, "excluded")
    return devices.exclude(Among("pk", excluded)) if excluded else devices


def keys_in(targeting: Mapping[str, object], name: str) -> list[int]:
    """The keys that a targeting names as its `ids`, `groups` or `excluded`, in their order."""
    values = targeting.get(name)
    return [int(value) for value in values] if isinstance(values, list) else []


def groups_in(targeting: Mapping[str, object]) -> list[DeviceGroup]:
    """The chosen groups that there are, in the order in which they were chosen."""
    found = DeviceGroup.objects.in_bulk(keys_in(targeting, "groups"))
    return [found[key] for key in dict.fromkeys(keys_in(targeting, "groups")) if key in found]


def these(keys: Iterable[int]) -> QuerySet[Device]:
    """The devices with these keys, however many."""
    return Device.objects.filter(Among("pk", keys))


def devices_in(instances: QuerySet[Instance]) -> QuerySet[Device]:
    """The devices of these instances."""
    return Device.objects.filter(pk__in=instances.values("device"))


def standings(devices: QuerySet[Device]) -> list[Standing]:
    """What judging must know of each of the devices, by one statement."""
    columns = ("pk", "path", "client__state", "removed_at", "kind")
    return list(devices.order_by().values_list(*columns))


def judge(devices: QuerySet[Device], version: ApplicationVersion, profile_id: str) -> Judged:
    """Which of the devices can run the profile; the others with their reasons, by path."""
    return judged(standings(devices), version, profile_id)


def judged(rows: Sequence[Standing], version: ApplicationVersion, profile_id: str) -> Judged:
    """The same for devices that were read before."""
    profile = version.profile(profile_id) or {"problem": "The package has no such profile."}
    unfit = _not_there(rows)
    unfit |= _cannot_run([row for row in rows if row[0] not in unfit], profile)
    out = sorted((path, pk) for pk, path, *_ in rows if pk in unfit)
    misfits = [Misfit(pk, path, unfit[pk]) for path, pk in out]
    return Judged(len(rows) - len(misfits), misfits)


def holders(
    devices: QuerySet[Device], application: Application, *, besides: Deployment | None = None
) -> list[Holder]:
    """The running deployments that hold this application on one of the devices, by path."""
    held = Instance.objects.filter(holds=True, application=application)
    held = held.filter(device__in=devices.order_by().values("pk"))
    if besides is not None:
        held = held.exclude(deployment=besides)
    rows = held.order_by("device__path").values_list(
        "device__path", "deployment_id", "deployment__name"
    )
    return [Holder(*row) for row in rows]


def sentence_about(found: Iterable[Holder], application: Application) -> str:
    """Who is in the way, as one sentence."""
    paths = [holder.path for holder in found]
    names = sorted({holder.deployment_name for holder in found})
    shown = ", ".join(paths[:NAMED]) + (" …" if len(paths) > NAMED else "")
    return (
        f"{' and '.join(names) or 'Another deployment'} is changing {application.name} on "
        f"{shown or 'some of these devices'}: wait until it has ended, or leave them out."
    )


def absence(client_state: str, removed_at: datetime | None) -> list[str]:
    """Why nothing can be released to a device, whatever it is; nothing when something can."""
    if removed_at is not None:
        return ["was removed by its client"]
    if client_state != Client.State.ACCEPTED:
        return [f"its client is {client_state}, not accepted"]
    return []


def _not_there(rows: Iterable[Standing]) -> dict[int, list[str]]:
    found = ((pk, absence(state, removed_at)) for pk, _, state, removed_at, _ in rows)
    return {pk: reasons for pk, reasons in found if reasons}


def _cannot_run(rows: Sequence[Standing], profile: Mapping[str, object]) -> dict[int, list[str]]:
    """The reasons of each that cannot run the profile.

    A fleet has few kinds of hardware: one device of a kind is judged for all of it.
    """
    kind_of = {pk: kind for pk, *_, kind in rows}
    exemplars = {} if asks_for_own(profile) else {kind: pk for pk, kind in kind_of.items()}
    exemplars.pop(None, None)
    by_kind = {kind: reasons for _, kind, reasons in _one_by_one(exemplars.values(), profile)}
    # Also who has no kind yet, and whose exemplar reported something else in this moment.
    alone = [pk for pk, kind in kind_of.items() if kind is None or kind not in by_kind]
    found = {pk: by_kind[kind] for pk, kind in kind_of.items() if by_kind.get(kind)}
    return found | {pk: reasons for pk, _, reasons in _one_by_one(alone, profile) if reasons}


def _one_by_one(
    keys: Iterable[int], profile: Mapping[str, object]
) -> Iterator[tuple[int, str | None, list[str]]]:
    """Each device with its kind as it is now, and why it cannot run the profile."""
    if not (wanted := list(keys)):
        return
    rows = these(wanted).values_list("pk", "kind", "properties", "reported_labels")
    for pk, kind, properties, labels in rows.iterator(chunk_size=2000):
        yield pk, kind, why_not(profile, properties, labels)


def asks_for_own(profile: Mapping[str, object]) -> bool:
    """Whether a rule asks for what is a device's own, or for all that it reports at once."""
    rules = json.dumps(profile.get("deviceConstraints"))
    return '"key": ""' in rules or any(f"/{name}" in rules for name in kinds.OWN)
