"""From draft to ready: the preview of a plan, and the freezing of exactly that plan."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from deployments import approval, content, planner, targeting
from deployments.drafting import refuse_outdated
from deployments.freezing import fitting_first, freeze
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.moves.door import move, stage_after
from deployments.planner import PlannedBatch
from deployments.states import Action, State
from deployments.targeting import Holder, Judged, Misfit
from deployments.words import devices
from devices.models import Device
from devices.selectors import SelectorError

#: How many devices of a batch the preview names.
SHOWN = 10
PLAN_CHANGED = "The devices of this plan changed since it was shown: look at it once more."


@dataclass(frozen=True, slots=True)
class ShownBatch:
    """A batch as the wizard shows it: the plan's numbers, and the first devices by name."""

    number: int
    name: str
    size: int
    fitting: int
    starts: str
    devices: list[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen: `problems` forbid to submit, `warnings` only make one think.

    `approval` says which rules want it approved. `digest` stands for who takes part and who can
    run it: groups and labels choose devices anew each time, so it tells whether the plan is still
    the one that a person saw.
    """

    batches: list[ShownBatch] = field(default_factory=list)
    total: int = 0
    fitting: int = 0
    misfits: list[Misfit] = field(default_factory=list)
    holders: list[Holder] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    approval: list[str] = field(default_factory=list)
    digest: str = ""


def preview(draft: Deployment, *, now: datetime) -> Preview:
    """The plan of a draft with everything that speaks against it; changes nothing."""
    try:
        targets = targeting.chosen(draft.targeting)
        judged = targeting.judge(targets, draft.version, draft.profile_id)
    except SelectorError as error:
        return Preview(problems=[f"The label expression cannot be read: {error}"])
    held = targeting.holders(targets, draft.version.application, besides=draft)
    total = judged.fitting + len(judged.misfits)
    plan = planner.partition(draft.strategy, total)
    return Preview(
        batches=[_shown(batch, _ordered(targets, judged), judged) for batch in plan],
        total=total,
        fitting=judged.fitting,
        misfits=judged.misfits,
        holders=held,
        warnings=_warnings(draft, targets, judged),
        problems=_problems(draft, targets, judged, held),
        approval=approval.reasons_for(draft, targets, judged.fitting, unfit=_unfit(judged)),
        digest=_digest(targets, judged),
    )


def submit(
    draft: Deployment,
    *,
    actor: User | None,
    now: datetime,
    edits: int | None = None,
    plan_digest: str | None = None,
    ask_approval: bool = False,
) -> None:
    """draft → ready: freezes targets, order, batches and content; all or nothing.

    → awaiting approval, if its author asks for it or a rule applies by now, whatever was shown.
    `edits` is that of the draft whose plan was shown, `plan_digest` that of the plan; None stands
    for what was read just now. Raises MoveRefusedError for a draft edited or devices changed since,
    else with every problem the preview would show.
    """
    stage_after(draft, _way(ask_approval))
    refuse_outdated(draft, edits)
    seen = preview(draft, now=now)
    if seen.problems:
        raise MoveRefusedError(" ".join(seen.problems))
    if plan_digest not in (None, seen.digest):
        raise MoveRefusedError(PLAN_CHANGED)
    targets = targeting.chosen(draft.targeting)
    resolution = content.resolved(draft.version, draft.profile_id, draft.parameters, targets)
    to = stage_after(draft, _way(ask_approval or bool(seen.approval)))
    values: dict[str, object] = {
        "resolved": resolution.values,
        "content": content.content_of(draft.version, draft.profile_id, resolution.values),
        "summary": _summary(seen),
        "asks_approval": ask_approval,
        "approval_reasons": seen.approval,
        "authors": approval.with_author(draft.authors, actor),
    }
    with transaction.atomic():
        move(draft, to, _said(seen, ask_approval), now=now, actor=actor, changes=values)
        plan = planner.partition(draft.strategy, seen.total)
        freeze(draft, plan, targets, seen.misfits, now)
        approval.seal(draft)


def _way(needs_approval: bool) -> Action:
    return Action.ASK_APPROVAL if needs_approval else Action.SUBMIT


def _said(seen: Preview, ask_approval: bool) -> str:
    """The line of history about a submit."""
    left_out = f" {len(seen.misfits)} of them do not fit and are skipped." if seen.misfits else ""
    if not ask_approval and not seen.approval:
        return f"Made ready for {devices(seen.total)}.{left_out}"
    why = approval.sentence(ask_approval, seen.approval)
    return f"Made for {devices(seen.total)}, and waits for approval.{left_out} {why}"


def _digest(targets: QuerySet[Device], judged: Judged) -> str:
    taking_part = list(targets.order_by("pk").values_list("pk", flat=True))
    unfit = sorted(_unfit(judged))
    return hashlib.sha256(repr((taking_part, unfit)).encode()).hexdigest()


def _unfit(judged: Judged) -> set[int]:
    return {misfit.device_id for misfit in judged.misfits}


def _ordered(targets: QuerySet[Device], judged: Judged) -> QuerySet[Device]:
    return targets.order_by(*fitting_first([misfit.device_id for misfit in judged.misfits]))


def _shown(batch: PlannedBatch, ordered: QuerySet[Device], judged: Judged) -> ShownBatch:
    start = batch.first - 1
    paths = ordered.values_list("path", flat=True)[start : start + min(SHOWN, batch.size)]
    fitting = max(0, min(batch.size, judged.fitting - start))
    return ShownBatch(batch.number, batch.name, batch.size, fitting, batch.starts, list(paths))


def _problems(
    draft: Deployment, targets: QuerySet[Device], judged: Judged, held: list[Holder]
) -> list[str]:
    problems: list[str] = []
    version = draft.version
    if version.state == version.State.DEPRECATED:
        problems.append(f"{version} is deprecated: choose another version.")
    if not judged.fitting:
        problems.append(_nobody(judged))
    if held:
        problems.append(targeting.sentence_about(held, version.application))
    resolution = content.resolved(version, draft.profile_id, draft.parameters, targets)
    names = [f"{name} {text}" for name, text in resolution.problems.items()]
    if names:
        problems.append(f"Parameters need attention: {'; '.join(names)}.")
    return problems


def _nobody(judged: Judged) -> str:
    if not judged.misfits:
        return "No device is chosen: go back to Devices and pick some."
    first = judged.misfits[0]
    return (
        f"None of the {devices(len(judged.misfits))} can run it "
        f"(first: {first.path} {first.reasons[0]}): choose others."
    )


def _warnings(draft: Deployment, targets: QuerySet[Device], judged: Judged) -> list[str]:
    if not judged.fitting:
        return []
    warnings = [
        f"{devices(number)} {'runs' if number == 1 else 'run'} {running} now: "
        f"{draft.version} takes its place."
        for running, number in targeting.other_versions(targets, draft.version)
    ]
    if judged.misfits:
        warnings.append(f"{devices(len(judged.misfits))} cannot run it and will be skipped.")
    return warnings


def _summary(seen: Preview) -> dict[str, object]:
    counts = {State.QUEUED.value: seen.fitting, State.SKIPPED.value: len(seen.misfits)}
    return {"total": seen.total, "counts": {key: count for key, count in counts.items() if count}}
