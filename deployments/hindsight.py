"""What approval rules would have caught lately: they are asked about what was submitted since.

They match as they do at submit (deployments.approval), against the targets that were frozen then.
Only labels are those of now: what a device was called at the time is not kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Q, Subquery, Value

from deployments import approval
from deployments.models import ApprovalRule, Deployment, Event, Instance
from deployments.observing import INSTALLED
from deployments.rows import Among
from deployments.states import Stage, State
from deployments.words import counted
from devices.models import Device

#: So far back it looks.
DAYS = 30
#: Of more deployments than these, the newest are looked at.
MOST = 200
#: So many rules with labels are asked by one statement: each is a condition of it.
AT_ONCE = 10
#: Targets that did not fit when they were frozen, which never changes. Others were skipped later,
#: because they ran it already.
UNFIT = Q(state=State.SKIPPED.value) & ~Q(progress=INSTALLED)


@dataclass(frozen=True, slots=True)
class Past:
    """A deployment that was submitted or started lately, for so many devices that fitted."""

    pk: int
    name: str
    application: int
    fitting: int
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caught:
    """The deployments that a rule would have caught, newest first, and `of` how many."""

    deployments: list[Past]
    of: int

    @property
    def number(self) -> int:
        """How many it would have caught."""
        return len(self.deployments)

    @property
    def among(self) -> str:
        """The deployments that were looked at, in words."""
        newest = "the newest " if self.of == MOST else ""
        return f"{newest}{counted(self.of, 'deployment')}"


def look_back(rules: Sequence[ApprovalRule], now: datetime) -> dict[int, Caught]:
    """What each of the rules would have caught, by its key; switched off ones as if in force.

    At most two queries, and two more for each ten rules with labels.
    """
    past = _submitted(now - timedelta(days=DAYS)) if rules else []
    found = {rule.pk: [one for one in past if _covers(rule, one)] for rule in rules}
    labelled = {
        rule.pk: wanted
        for rule in rules
        if found[rule.pk] and (wanted := approval.wanted_of(rule)) is not None
    }
    for rule, matching in _matching(labelled, found).items():
        found[rule] = [one for one in found[rule] if one.pk in matching]
    return {rule: Caught(caught, len(past)) for rule, caught in found.items()}


def _covers(rule: ApprovalRule, one: Past) -> bool:
    return approval.covers(rule, one.application, one.fitting)


def _submitted(since: datetime) -> list[Past]:
    """What was submitted or started since then and still has its targets, the newest first."""
    submits = Event.objects.filter(deployment=OuterRef("pk"), from_stage=Stage.DRAFT.value)
    lately = Q(submitted_at__gte=since) | Q(started_at__gte=since)
    rows = (
        # Each move is an update: the index on it leaves few deployments to ask for their events.
        Deployment.objects.filter(updated_at__gte=since)
        .exclude(stage=Stage.DRAFT)
        .annotate(submitted_at=Subquery(submits.order_by("-at").values("at")[:1]))
        .filter(lately)
        .order_by(F("submitted_at").desc(nulls_last=True), "-pk")
        .values_list("pk", "name", "version__application", "summary", "submitted_at")
    )
    found = list(rows[:MOST])
    unfit = _unfit([pk for pk, _, _, summary, _ in found if _skipped(summary)])
    return [
        Past(pk, name, application, summary.get("total", 0) - unfit.get(pk, 0), at)
        for pk, name, application, summary, at in found
    ]


def _skipped(summary: Mapping[str, Mapping[str, int]]) -> bool:
    return bool(summary.get("counts", {}).get(State.SKIPPED.value))


def _unfit(deployments: Collection[int]) -> dict[int, int]:
    """How many targets of each of these did not fit."""
    if not deployments:
        return {}
    rows = Instance.objects.filter(UNFIT, deployment__in=deployments).order_by()
    return dict(rows.values_list("deployment").annotate(number=Count("pk")))


def _matching(
    labelled: Mapping[int, Q], found: Mapping[int, Sequence[Past]]
) -> dict[int, set[int]]:
    """For each of these rules, those of its deployments of which a device has its labels."""
    matching: dict[int, set[int]] = {rule: set() for rule in labelled}
    rules = list(labelled)
    for first in range(0, len(rules), AT_ONCE):
        group = rules[first : first + AT_ONCE]
        asked = {one.pk for rule in group for one in found[rule]}
        has = {f"rule_{rule}": _has_one(keys) for rule, keys in _wanted(group, labelled).items()}
        rows = Deployment.objects.filter(pk__in=asked).annotate(**has).values_list("pk", *has)
        for pk, *answers in rows.order_by():
            for rule, yes in zip(group, answers, strict=True):
                matching[rule] |= {pk} if yes else set()
    return matching


def _wanted(rules: Sequence[int], labelled: Mapping[int, Q]) -> dict[int, list[int]]:
    """The devices that each of the rules asks for."""
    first, *others = [
        Device.objects.filter(labelled[rule])
        .order_by()
        .values_list(Value(rule, output_field=IntegerField()), "pk")
        for rule in rules
    ]
    keys: dict[int, list[int]] = {rule: [] for rule in rules}
    for rule, pk in first.union(*others, all=True):
        keys[rule].append(pk)
    return keys


def _has_one(keys: Sequence[int]) -> Exists:
    """Whether a device that fitted is one of these.

    Handed over as keys: a database that asked for the labels itself did so for each target.
    """
    fitting = Instance.objects.filter(~UNFIT, deployment=OuterRef("pk"))
    return Exists(fitting.filter(Among("device_id", keys)))
