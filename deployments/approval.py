"""When a deployment needs somebody's approval, and what exactly was approved."""

import hashlib
import json
from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from accounts.models import User
from deployments.models import ApprovalRule, Deployment, Event, Instance
from deployments.states import Stage
from deployments.words import devices
from devices import selectors
from devices.models import Device

#: The columns of a deployment that was not submitted yet.
NONE_YET: dict[str, object] = {
    "asks_approval": False,
    "approval_reasons": [],
    "plan_digest": "",
    "approved_digest": "",
    "approved_by": None,
    "approved_at": None,
}
#: What `digest_of` stands for besides the targets. It is read from the row, never from a
#: deployment in memory: a database may write a number differently than it was handed over.
_SEALED = ("version_id", "profile_id", "resolved", "content", "strategy")
#: Targets that are read at once.
_CHUNK = 10_000


def is_needed(deployment: Deployment) -> bool:
    """Whether its author or a rule asked for approval when it was submitted."""
    return deployment.asks_approval or bool(deployment.approval_reasons)


def reasons_for(
    draft: Deployment, targets: QuerySet[Device], total: int, *, unfit: Collection[int] = ()
) -> list[str]:
    """Why the rules in force want the draft approved, a sentence for each that applies.

    `total` is how many of the `targets` would really get it, `unfit` the ids of the others.
    """
    rules = ApprovalRule.objects.filter(enabled=True).select_related("application")
    rolled_out = draft.version.application_id
    return [
        f"Rule “{rule.name}”: {conditions(rule)}."
        for rule in rules
        if covers(rule, rolled_out, total) and _matches_one(rule, targets, unfit)
    ]


def covers(rule: ApprovalRule, application: int, total: int) -> bool:
    """Whether the rule is about a rollout of this application to so many devices, at least."""
    large = rule.more_than is None or total > rule.more_than
    return large and rule.application_id in {None, application}


def wanted_of(rule: ApprovalRule) -> Q | None:
    """The devices one of which must get it; None where the rule asks for no certain ones."""
    if not rule.labels:
        return None
    try:
        return selectors.matching(rule.labels)
    except selectors.SelectorError:
        # Saved by hand or by an older grammar: rather one approval too many than one too few.
        return None


def conditions(rule: ApprovalRule) -> str:
    """What the rule asks of a deployment, without a full stop."""
    many = "" if rule.more_than is None else f"more than {devices(rule.more_than)}"
    first = many
    if rule.application:
        first = f"it rolls out {rule.application}" + (f" to {many}" if many else "")
    if not rule.labels:
        return first
    matches = f"one of {'them' if many else 'the devices'} matches {rule.labels}"
    return f"{first}, and {matches}" if first else matches


def sentence(asked: bool, reasons: Iterable[str]) -> str:
    """Who or what wants the approval; where a rule does, nobody had to ask for it."""
    return " ".join([*reasons] or ["Its author asks for it."] * asked)


def asker(deployment: Deployment) -> str:
    """Who sent it for approval last, by name."""
    asked = Event.objects.filter(deployment=deployment, to_stage=Stage.AWAITING_APPROVAL)
    last = asked.select_related("actor").order_by("-pk").first()
    return last.actor.username if last and last.actor else "Its author"


def with_author(authors: Collection[int], actor: User | None) -> list[int]:
    """Those who made the plan what it is, and `actor` with them."""
    known = list(authors)
    return known if actor is None or actor.pk in known else [*known, actor.pk]


def seal(deployment: Deployment) -> None:
    """Notes what would be approved; call it in the transaction that froze the plan."""
    deployment.plan_digest = digest_of(deployment)
    deployment.save(update_fields=["plan_digest"])


def digest_of(deployment: Deployment) -> str:
    """Stands for version, profile, parameters, strategy and the frozen targets in their order."""
    told = Deployment.objects.values_list(*_SEALED).get(pk=deployment.pk)
    summed = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    targets = Instance.objects.filter(deployment=deployment).order_by("position")
    for device in targets.values_list("device_id", flat=True).iterator(chunk_size=_CHUNK):
        summed.update(b"%d " % device)
    return summed.hexdigest()


def _matches_one(rule: ApprovalRule, targets: QuerySet[Device], unfit: Collection[int]) -> bool:
    """Whether one of those who would get it is such a device, or none is asked for."""
    wanted = wanted_of(rule)
    if wanted is None:
        return True
    matching = targets.filter(wanted).order_by().values_list("pk", flat=True)
    return any(pk not in unfit for pk in matching)
