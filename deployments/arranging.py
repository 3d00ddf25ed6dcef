"""Who takes part in a deployment, in which order and batch: what is previewed and then frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.db.models import Case, IntegerField, QuerySet, Value, When

from deployments import planner, strategy, targeting
from deployments.models import Deployment
from deployments.ordering import CANARY, OTHERS, UNFIT, Mark, Target, natural, ordered
from deployments.planner import PartitionError, PlannedBatch
from deployments.targeting import Judged
from deployments.words import devices
from devices import selectors
from devices.groups import members_of
from devices.models import Device, DeviceLabel
from devices.selectors import SelectorError


@dataclass(frozen=True)
class Arrangement:
    """The targets in their order, the batches as ranges of it, and who does not fit.

    `problem` says in a sentence why the devices cannot be chosen, or not be cut into batches.
    """

    order: list[Target] = field(default_factory=list)
    judged: Judged = field(default_factory=Judged)
    batches: tuple[PlannedBatch, ...] = ()
    problem: str = ""

    @cached_property
    def keys(self) -> list[int]:
        """The keys of the devices, in their order."""
        return [device for device, *_ in self.order]

    @cached_property
    def unfit(self) -> dict[int, str]:
        """Why devices do not fit, by their keys."""
        return {misfit.device_id: "; ".join(misfit.reasons) for misfit in self.judged.misfits}

    @cached_property
    def targets(self) -> QuerySet[Device]:
        """The devices themselves: these and no others, whoever joined a group meanwhile."""
        return targeting.these(self.keys)


def arrange(draft: Deployment) -> Arrangement:
    """How the draft would be frozen now; no more statements for many devices than for few."""
    stored = {**strategy.DEFAULTS, **draft.strategy}
    try:
        chosen = targeting.chosen(draft.targeting).order_by()
        marks = _MARKS[str(stored["order"])](draft.targeting, stored, chosen)
    except SelectorError as error:
        return Arrangement(problem=f"The label expression cannot be read: {error}")
    try:
        canary = _canary(strategy.canary_labels(stored), chosen)
    except SelectorError as error:
        return Arrangement(problem=f"The canary's label expression cannot be read: {error}")
    rows = targeting.standings(chosen)
    judged = targeting.judged(rows, draft.version, draft.profile_id)
    parts = dict.fromkeys(canary, CANARY) | {one.device_id: UNFIT for one in judged.misfits}
    targets = [(pk, path, parts.get(pk, OTHERS), marks.get(pk)) for pk, path, *_ in rows]
    order = ordered(targets, str(stored["order"]))
    return _cut(stored, order, judged, sum(pk in canary for pk, *_ in order))


def _canary(labels: str, chosen: QuerySet[Device]) -> set[int]:
    """The devices that match the canary's label expression."""
    if not labels:
        return set()
    return set(chosen.filter(selectors.matching(labels)).values_list("pk", flat=True))


def _places(
    wanted: Mapping[str, object], _stored: Mapping[str, object], _chosen: QuerySet[Device]
) -> Mapping[int, Mark]:
    """Where a device is named first in the list that somebody gave."""
    keys = dict.fromkeys(targeting.keys_in(wanted, "ids"))
    return {key: place for place, key in enumerate(keys)}


def _labels(
    _wanted: Mapping[str, object], stored: Mapping[str, object], chosen: QuerySet[Device]
) -> Mapping[int, Mark]:
    """The value of a label as operators see it; the first where a device has several."""
    rows = DeviceLabel.objects.filter(key=stored["order_label"], device__in=chosen.values("pk"))
    found: dict[int, str] = {}
    for device, value in rows.values_list("device", "value"):
        if device not in found or natural(value) < natural(found[device]):
            found[device] = value
    return found


def _groups(
    wanted: Mapping[str, object], _stored: Mapping[str, object], chosen: QuerySet[Device]
) -> Mapping[int, Mark]:
    """The place of the first chosen group that a device is in."""
    groups = enumerate(targeting.groups_in(wanted))
    cases = [When(pk__in=members_of(one).values("pk"), then=Value(place)) for place, one in groups]
    its_group = Case(*cases, default=None, output_field=IntegerField())
    return dict(chosen.annotate(its_group=its_group).values_list("pk", "its_group"))


_MARKS = {"selected": _places, "label": _labels, "groups": _groups}


def _cut(
    stored: Mapping[str, object], order: list[Target], judged: Judged, matching: int
) -> Arrangement:
    """The batches, or why there can be none; `matching` devices match the canary's labels."""
    first = sum(part == CANARY for _, _, part, _ in order)
    if matching and not first:
        return Arrangement(order, judged, problem=_canary_is_unfit(stored, matching))
    try:
        batches = planner.partition(stored, len(order), first)
    except PartitionError as error:
        return Arrangement(order, judged, problem=str(error))
    return Arrangement(order, judged, batches)


def _canary_is_unfit(stored: Mapping[str, object], matching: int) -> str:
    return (
        f"{devices(matching).capitalize()} {'matches' if matching == 1 else 'match'} the canary's "
        f"label expression {stored['canary_labels']}, and none of them can run it."
    )
