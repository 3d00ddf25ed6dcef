"""Step 5: the plan as it would be carried out, and the decision."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.look import point
from deployments import configuration, drafting, moves, phrases, submitting
from deployments.asking import edits_shown, person, plan_shown
from deployments.forms import focus_first_wrong
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.scheduling import ScheduleForm
from deployments.states import VERBS, Action, Stage
from deployments.wizard import steps
from deployments.wizard.drawing import drawn

#: The most devices that cannot be reached by the plan that are named one by one.
NAMED = 20
#: What the buttons that freeze the plan ask for.
START, AT, ASK, READY = "start", "at", "ask", "ready"
MAY_NOT_START = "You may prepare this deployment, but not start it."


def step(request: HttpRequest, draft: Deployment) -> HttpResponse:
    """The plan; *Start now*, *Start at*, *Ask for approval* and *Make ready* freeze it."""
    go = steps.asked(request)
    if request.method != "POST":
        return _show(request, draft)
    if go not in {START, AT, ASK, READY}:
        return steps.leave(request, draft, drafting.REVIEW)
    if go in {START, AT} and not _may_start(request):
        return _show(request, draft, error=MAY_NOT_START)
    form = ScheduleForm(request.POST if go == AT else None)
    at = _time_to_start(form) if go == AT else None
    if form.errors:
        return _show(request, draft, form)
    try:
        _submit(request, draft, ask_approval=go == ASK)
    except MoveRefusedError as refusal:
        return _show(request, draft, form, error=str(refusal))
    _carry_on(request, draft, go, at)
    return redirect("admin:deployments_deployment_page", draft.pk)


def _time_to_start(form: ScheduleForm) -> datetime | None:
    """The time that was chosen; None with an error in the form where it cannot be."""
    if not form.is_valid():
        return None
    at: datetime = form.cleaned_data["at"]
    try:
        moves.refuse_start_at(at, timezone.now())
    except MoveRefusedError as refusal:
        form.add_error("at", str(refusal))
    return at


def _submit(request: HttpRequest, draft: Deployment, *, ask_approval: bool) -> None:
    submitting.submit(
        draft,
        actor=person(request),
        now=timezone.now(),
        edits=edits_shown(request),
        plan_digest=plan_shown(request),
        ask_approval=ask_approval,
    )


def _carry_on(request: HttpRequest, deployment: Deployment, go: str, at: datetime | None) -> None:
    """What was wanted besides the submit; a refusal leaves it as submitted, and says so."""
    waits = deployment.stage == Stage.AWAITING_APPROVAL
    stands = "waits for approval" if waits else "is ready"
    try:
        if go == START and not waits:
            moves.start(deployment, actor=person(request), now=timezone.now())
        if at is not None:
            moves.schedule(deployment, at, actor=person(request), now=timezone.now())
    except MoveRefusedError as refusal:
        messages.error(request, f"{deployment} {stands}, but {_NOT_DONE[go]}. {refusal}")
        return
    messages.success(request, f"{deployment} {_said(deployment, go, at, waits=waits)}")


#: What did not follow the submit.
_NOT_DONE = {START: "did not start", AT: "will not start by itself"}


def _said(deployment: Deployment, go: str, at: datetime | None, *, waits: bool) -> str:
    """What has become of it, behind its name."""
    if at is not None:
        approved = ", if it was approved before" if waits else ""
        return f"starts by itself at {point(at)}{approved}."
    if waits:
        return "waits for approval. Nothing happens before somebody approves and starts it."
    if go == START:
        return f"{VERBS[Action.START].done}: {_course(deployment)}. This page follows every device."
    return "is ready. Nothing happens until somebody starts it."


def _course(deployment: Deployment) -> str:
    """Who gets it first, and what lets the others follow."""
    return ", ".join(phrases.course(deployment.strategy)) or "all devices get it as they ask"


def _may_start(request: HttpRequest) -> bool:
    return request.user.has_perm(VERBS[Action.START].permission)


def _show(
    request: HttpRequest, draft: Deployment, form: ScheduleForm | None = None, *, error: str = ""
) -> HttpResponse:
    plan, form = submitting.preview(draft, now=timezone.now()), form or ScheduleForm()
    focus_first_wrong(form)
    context = {
        "plan": plan,
        "drawing": drawn(draft.strategy, plan),
        "misfits": plan.misfits[:NAMED],
        "more_misfits": max(0, len(plan.misfits) - NAMED),
        "holders": plan.holders[:NAMED],
        "more_holders": max(0, len(plan.holders) - NAMED),
        "configuration": configuration.of(draft),
        "may_start": _may_start(request),
        "at": form["at"],
        "zone": timezone.get_current_timezone_name(),
        "now": timezone.now(),
        "error": "" if error and error == " ".join(plan.problems) else error,
    }
    failed = bool(error or form.errors)
    return steps.show(request, draft, drafting.REVIEW, context, failed=failed)
