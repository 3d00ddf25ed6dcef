"""How much of the fleet could run a version, and what keeps the rest from it; no device is chosen.

A fleet has few kinds of hardware. They are counted by one statement, and one device of each is
judged for all of them, so that the cost does not grow with the fleet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Count, Min

from applications.models import ApplicationVersion
from deployments.fit import why_not
from deployments.targeting import absence, asks_for_own
from devices.models import Device

#: So many kinds are judged, those of most devices; a fleet with more of them is not a usual one.
MOST_KINDS = 500
#: So many reasons are told for each profile, those of most devices.
MOST_REASONS = 10

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kind:
    """Devices that report the same; `device_id` is one of them."""

    number: int
    device_id: int
    client_state: str
    path: str = ""
    properties: Json | None = None
    labels: Json = field(default_factory=dict)


@dataclass(slots=True)
class Reason:
    """Why some devices cannot run a profile; `device_id` and `path` are one of them."""

    words: str
    device_id: int
    path: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Compatibility:
    """How the judged devices stand to one profile; `particular` when it picks them one by one."""

    profile_id: str
    kind: str
    fitting: int
    total: int
    reasons: list[Reason]
    particular: bool

    @property
    def unfit(self) -> int:
        """How many cannot run it."""
        return self.total - self.fitting

    @property
    def shown(self) -> list[Reason]:
        """The reasons of most devices."""
        return self.reasons[:MOST_REASONS]

    @property
    def more(self) -> int:
        """How many devices have reasons that are not shown."""
        return sum(one.number for one in self.reasons[MOST_REASONS:])

    @property
    def bar(self) -> list[tuple[str, str, int]]:
        """Who can and who cannot, as parts of a bar."""
        return [("ok", "can run it", self.fitting), ("warn", "cannot", self.unfit)]


def of(version: ApplicationVersion) -> tuple[list[Compatibility], int]:
    """The version's profiles, and how many devices are of a kind too rare to be judged."""
    kinds, rare = _kinds()
    return [_against(profile, kinds) for profile in version.profiles], rare


def _against(profile: Json, kinds: list[Kind]) -> Compatibility:
    reasons: dict[str, Reason] = {}
    for kind in kinds:
        found = absence(kind.client_state, None) or why_not(profile, kind.properties, kind.labels)
        if words := "; ".join(found):
            reason = reasons.setdefault(words, Reason(words, kind.device_id, kind.path))
            reason.number += kind.number
    total = sum(kind.number for kind in kinds)
    return Compatibility(
        profile_id=str(profile["id"]),
        kind=str(profile.get("type") or ""),
        fitting=total - sum(reason.number for reason in reasons.values()),
        total=total,
        reasons=sorted(reasons.values(), key=lambda reason: -reason.number),
        particular=asks_for_own(profile),
    )


def _kinds() -> tuple[list[Kind], int]:
    """The kinds of most devices, and how many devices are of others."""
    present = Device.objects.present().order_by()
    counted = present.values_list("client__state", "kind").annotate(
        number=Count("pk"), example=Min("pk")
    )
    rows = list(counted.order_by("-number", "example")[: MOST_KINDS + 1])
    judged = [Kind(number, example, state) for state, _, number, example in rows[:MOST_KINDS]]
    rare = present.count() - sum(kind.number for kind in judged) if rows[MOST_KINDS:] else 0
    return _described(judged), rare


def _described(kinds: list[Kind]) -> list[Kind]:
    """The kinds with what their example reports."""
    keys = [kind.device_id for kind in kinds]
    found = Device.objects.filter(pk__in=keys).values_list(
        "pk", "path", "properties", "reported_labels"
    )
    told = {pk: rest for pk, *rest in found}
    return [
        Kind(kind.number, kind.device_id, kind.client_state, *told[kind.device_id])
        for kind in kinds
        if kind.device_id in told
    ]
