"""What the devices step's form means: from the posted fields to a targeting, and to what fits."""

import re
from dataclasses import dataclass, field, replace

from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts.search import words_of
from deployments import targeting
from deployments.asking import text_in
from deployments.models import Deployment
from deployments.targeting import Holder, Misfit
from devices.models import Client, Device
from devices.selectors import SelectorError

#: What stands between two ids of a pasted list, and how many are looked up at once.
_BETWEEN = re.compile(r"[\r\n\t,;]+")
_AT_ONCE = 2_000
#: How many devices that do not fit, or are busy, are named one by one.
NAMED = 10


@dataclass(frozen=True, slots=True)
class Targeting:
    """The devices as chosen: by hand, by group, by label, and those left out."""

    ids: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    labels: str = ""
    excluded: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """As the draft stores it."""
        return {
            "ids": self.ids,
            "groups": self.groups,
            "labels": self.labels,
            "excluded": self.excluded,
        }

    @property
    def empty(self) -> bool:
        """Nothing was chosen in any of the three ways."""
        return not (self.ids or self.groups or self.labels)


@dataclass(frozen=True, slots=True)
class Fit:
    """How the chosen devices stand: who can run it, who cannot and why, who is busy."""

    total: int = 0
    fitting: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    holders: list[Holder] = field(default_factory=list)
    excluded: int = 0
    error: str = ""

    @property
    def shown_misfits(self) -> list[Misfit]:
        """The first of those that do not fit."""
        return self.misfits[:NAMED]

    @property
    def shown_holders(self) -> list[Holder]:
        """The first of those that are busy."""
        return self.holders[:NAMED]

    @property
    def more_misfits(self) -> int:
        """How many do not fit besides those that are named."""
        return max(0, len(self.misfits) - NAMED)

    @property
    def more_holders(self) -> int:
        """How many are busy besides those that are named."""
        return max(0, len(self.holders) - NAMED)


def stored(draft: Deployment) -> Targeting:
    """The draft's targeting."""
    return Targeting(
        ids=_ids(draft.targeting.get("ids")),
        groups=_ids(draft.targeting.get("groups")),
        labels=str(draft.targeting.get("labels") or ""),
        excluded=_ids(draft.targeting.get("excluded")),
    )


def posted(form: QueryDict, before: Targeting) -> Targeting:
    """The targeting after a form that shows one page of the devices; the others keep their tick."""
    shown, ticked = numbers(form.getlist("shown")), numbers(form.getlist("ids"))
    return replace(
        before,
        ids=[*dict.fromkeys([*_kept(before.ids, shown, ticked), *ticked])],
        groups=numbers(form.getlist("groups")),
        labels=text_in(form, "labels"),
    )


def search(text: str) -> QuerySet[Device]:
    """Devices of clients that are not retired whose id, client, make or labels have every word."""
    found = Device.objects.present().exclude(client__state=Client.State.RETIRED)
    for word in words_of(text):
        labelled = Device.objects.filter(labels__value__icontains=word)
        found = found.filter(
            Q(path__icontains=word)
            | Q(client__name__icontains=word)
            | Q(vendor__icontains=word)
            | Q(model_number__icontains=word)
            | Q(pk__in=labelled.values("pk"))
        )
    return found.select_related("client").order_by("path", "pk")


def pasted(text: str) -> tuple[list[int], list[str]]:
    """The devices that a pasted list names by their ids, in its order, and the ids nobody has.

    One id a line, or several with commas, semicolons or tabs between them. Devices of several
    clients may have the same id: all of them are meant.
    """
    named = list(dict.fromkeys(one.strip() for one in _BETWEEN.split(text) if one.strip()))
    found: dict[str, list[int]] = {}
    for start in range(0, len(named), _AT_ONCE):
        part = search("").filter(path__in=named[start : start + _AT_ONCE])
        for path, pk in part.values_list("path", "pk"):
            found.setdefault(path, []).append(pk)
    keys = [pk for name in named for pk in found.get(name, [])]
    return keys, [name for name in named if name not in found]


def fit(draft: Deployment, wanted: Targeting) -> Fit:
    """How the devices of `wanted` stand; an expression that cannot be read is told in `error`."""
    try:
        devices = targeting.chosen(wanted.as_json())
        judged = targeting.judge(devices, draft.version, draft.profile_id)
        holders = targeting.holders(devices, draft.version.application, besides=draft)
    except SelectorError as error:
        return Fit(error=str(error))
    return Fit(
        total=judged.fitting + len(judged.misfits),
        fitting=judged.fitting,
        misfits=judged.misfits,
        holders=holders,
        excluded=len(wanted.excluded),
    )


def without(draft: Deployment, wanted: Targeting, whom: str) -> Targeting:
    """Leaves out who does not fit (`misfits`) or is busy (`busy`); `nobody` takes all back."""
    if whom == "nobody":
        return replace(wanted, excluded=[])
    if whom == "misfits":
        out = {misfit.device_id for misfit in fit(draft, wanted).misfits}
    else:
        application = draft.version.application_id
        busy = Q(instances__holds=True, instances__application=application)
        chosen = targeting.chosen(wanted.as_json())
        out = set(chosen.filter(busy).values_list("pk", flat=True))
    return replace(wanted, excluded=sorted({*wanted.excluded, *out}))


def numbers(texts: list[str]) -> list[int]:
    """The ids among what was posted, each once, in the order in which the page has them."""
    given = (int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19)
    return list(dict.fromkeys(given))


def _kept(ids: list[int], shown: list[int], ticked: list[int]) -> list[int]:
    """Those that were chosen before and still are: first come, first tried."""
    gone = set(shown) - set(ticked)
    return [pk for pk in ids if pk not in gone]


def _ids(value: object) -> list[int]:
    return [pk for pk in value if isinstance(pk, int)] if isinstance(value, list) else []
