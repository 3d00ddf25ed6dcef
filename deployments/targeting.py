"""Which devices a deployment is for: as chosen, whether they fit, and who is in the way."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet

from applications.models import Application, ApplicationVersion
from deployments.fit import why_not
from deployments.models import Deployment, Instance, Workload
from devices import selectors
from devices.groups import members_of
from devices.models import Client, Device, DeviceGroup

#: How many devices a sentence or a preview names before it only counts.
NAMED = 3


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
    wanted = Q(pk__in=_ids(targeting, "ids"))
    for group in DeviceGroup.objects.filter(pk__in=_ids(targeting, "groups")):
        wanted |= Q(pk__in=members_of(group).values("pk"))
    if labels := str(targeting.get("labels") or "").strip():
        wanted |= selectors.matching(labels)
    return Device.objects.present().filter(wanted).exclude(pk__in=_ids(targeting, "excluded"))


def devices_in(instances: QuerySet[Instance]) -> QuerySet[Device]:
    """The devices of these instances."""
    return Device.objects.filter(pk__in=instances.values("device"))


def judge(devices: QuerySet[Device], version: ApplicationVersion, profile_id: str) -> Judged:
    """Which of the devices can run the profile; the others with their reasons, by path."""
    profile = version.profile(profile_id) or {"problem": "The package has no such profile."}
    known: dict[str, list[str]] = {}
    misfits: list[Misfit] = []
    fitting = 0
    columns = ("pk", "path", "client__state", "removed_at", "properties", "reported_labels")
    rows = devices.order_by("path", "pk").values_list(*columns)
    for pk, path, client_state, removed_at, properties, labels in rows.iterator(chunk_size=2000):
        reasons = _standing(client_state, removed=removed_at is not None)
        reasons = reasons or _fit(known, profile, properties, labels)
        if reasons:
            misfits.append(Misfit(pk, path, reasons))
        else:
            fitting += 1
    return Judged(fitting, misfits)


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


def other_versions(devices: QuerySet[Device], version: ApplicationVersion) -> list[tuple[str, int]]:
    """Which other versions of the application run on these devices, and on how many."""
    running = Workload.objects.filter(
        application=version.application, device__in=devices.order_by().values("pk")
    ).exclude(installed=None)
    others = running.exclude(installed__version=version).order_by()
    counts = others.values_list("installed__version__version").annotate(number=Count("pk"))
    return sorted((str(one), int(number)) for one, number in counts)


def sentence_about(found: Iterable[Holder], application: Application) -> str:
    """Who is in the way, as one sentence."""
    paths = [holder.path for holder in found]
    names = sorted({holder.deployment_name for holder in found})
    shown = ", ".join(paths[:NAMED]) + (" …" if len(paths) > NAMED else "")
    return (
        f"{' and '.join(names) or 'Another deployment'} is changing {application.name} on "
        f"{shown or 'some of these devices'}: wait until it has ended, or leave them out."
    )


def _standing(client_state: str, *, removed: bool) -> list[str]:
    if removed:
        return ["was removed by its client"]
    if client_state != Client.State.ACCEPTED:
        return [f"its client is {client_state}, not accepted"]
    return []


def _fit(
    known: dict[str, list[str]],
    profile: Mapping[str, object],
    properties: dict[str, object] | None,
    labels: dict[str, object],
) -> list[str]:
    # A fleet has few kinds of hardware: devices that report the same are judged once. What is
    # theirs alone says nothing about fitting unless a rule asks for it, so only labels and the
    # whole of the properties without serial number and id make up the key.
    told_apart = {"id", "serialNumber"}
    rules = json.dumps(profile.get("deviceConstraints"))
    if any(f"/{name}" in rules for name in told_apart) or properties is None:
        return why_not(profile, properties, labels)
    kind = {key: value for key, value in properties.items() if key not in told_apart}
    key = json.dumps([kind, labels], sort_keys=True)
    if key not in known:
        known[key] = why_not(profile, properties, labels)
    return known[key]


def _ids(targeting: Mapping[str, object], name: str) -> list[int]:
    values = targeting.get(name)
    return [int(value) for value in values] if isinstance(values, list) else []
