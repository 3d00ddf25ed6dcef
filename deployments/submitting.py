"""From draft to ready: the preview of a plan, and the freezing of exactly that plan."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction

from accounts.models import User
from applications.parameters import Resolution
from deployments import approval, cautions, content, targeting
from deployments.arranging import Arrangement, arrange
from deployments.drafting import refuse_outdated
from deployments.freezing import freeze
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.moves.door import move, stage_after
from deployments.planner import PlannedBatch
from deployments.states import Action, State
from deployments.targeting import Holder, Misfit
from deployments.words import devices

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

    `approval` says which rules want it approved. `digest` stands for who takes part, in which order
    and batch, and who can run it: groups and labels choose devices anew each time, so it tells
    whether the plan is still the one that a person saw.
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
    arranged = arrange(draft)
    seen = _preview(draft, arranged, _resolved(draft, arranged))
    return replace(seen, warnings=_warnings(draft, arranged, now))


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
    arranged = arrange(draft)
    resolution = _resolved(draft, arranged)
    seen = _preview(draft, arranged, resolution)
    if seen.problems:
        raise MoveRefusedError(" ".join(seen.problems))
    if plan_digest not in (None, seen.digest):
        raise MoveRefusedError(PLAN_CHANGED)
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
        freeze(draft, arranged.batches, arranged.keys, arranged.unfit, now)
        approval.seal(draft)


def _resolved(draft: Deployment, arranged: Arrangement) -> Resolution:
    return content.resolved(draft.version, draft.profile_id, draft.parameters, arranged.targets)


def _preview(draft: Deployment, arranged: Arrangement, resolution: Resolution) -> Preview:
    held = targeting.holders(arranged.targets, draft.version.application, besides=draft)
    judged = arranged.judged
    return Preview(
        batches=[_shown(batch, arranged) for batch in arranged.batches],
        total=len(arranged.order),
        fitting=judged.fitting,
        misfits=judged.misfits,
        holders=held,
        problems=_problems(draft, arranged, held, resolution),
        approval=approval.reasons_for(
            draft, arranged.targets, judged.fitting, unfit=arranged.unfit
        ),
        digest=_digest(arranged),
    )


def _way(needs_approval: bool) -> Action:
    return Action.ASK_APPROVAL if needs_approval else Action.SUBMIT


def _said(seen: Preview, ask_approval: bool) -> str:
    """The line of history about a submit."""
    left_out = _left_out(len(seen.misfits))
    if not ask_approval and not seen.approval:
        return f"Made ready for {devices(seen.total)}.{left_out}"
    why = approval.sentence(ask_approval, seen.approval)
    return f"Made for {devices(seen.total)}, and waits for approval.{left_out} {why}"


def _left_out(number: int) -> str:
    if not number:
        return ""
    verbs = "does not fit and is" if number == 1 else "do not fit and are"
    return f" {number} of them {verbs} skipped."


def _digest(arranged: Arrangement) -> str:
    sizes = [batch.size for batch in arranged.batches]
    plan = (arranged.keys, sizes, sorted(arranged.unfit))
    return hashlib.sha256(repr(plan).encode()).hexdigest()


def _shown(batch: PlannedBatch, arranged: Arrangement) -> ShownBatch:
    start = batch.first - 1
    paths = [path for _, path, *_ in arranged.order[start : start + min(SHOWN, batch.size)]]
    fitting = max(0, min(batch.size, arranged.judged.fitting - start))
    return ShownBatch(batch.number, batch.name, batch.size, fitting, batch.starts, paths)


def _problems(
    draft: Deployment, arranged: Arrangement, held: list[Holder], resolution: Resolution
) -> list[str]:
    version, problems = draft.version, []
    if version.state == version.State.DEPRECATED:
        problems.append(f"{version} is deprecated: choose another version.")
    if arranged.problem:
        problems.append(arranged.problem)
    elif not arranged.judged.fitting:
        problems.append(_nobody(arranged.judged))
    if held:
        problems.append(targeting.sentence_about(held, version.application))
    names = [f"{name} {text}" for name, text in resolution.problems.items()]
    if names:
        problems.append(f"Parameters need attention: {'; '.join(names)}.")
    return problems


def _nobody(judged: targeting.Judged) -> str:
    if not judged.misfits:
        return "No device is chosen: go back to Devices and pick some."
    first = judged.misfits[0]
    return (
        f"None of the {devices(len(judged.misfits))} can run it "
        f"(first: {first.path} {first.reasons[0]}): choose others."
    )


def _warnings(draft: Deployment, arranged: Arrangement, now: datetime) -> list[str]:
    if not arranged.judged.fitting:
        return []
    first = arranged.batches[0].size if arranged.batches else 0
    warnings = cautions.all_at_once(draft.strategy, first, arranged.judged.fitting)
    warnings += cautions.sentences(arranged.targets, draft.version, now=now)
    if misfits := arranged.judged.misfits:
        warnings.append(f"{devices(len(misfits))} cannot run it and will be skipped.")
    return warnings


def _summary(seen: Preview) -> dict[str, object]:
    counts = {State.QUEUED.value: seen.fitting, State.SKIPPED.value: len(seen.misfits)}
    return {"total": seen.total, "counts": {key: count for key, count in counts.items() if count}}
