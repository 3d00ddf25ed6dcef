"""Step 5: the plan as it would be carried out, and the decision."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from deployments import configuration, drafting, moves, submitting
from deployments.asking import edits_shown, person
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.states import VERBS, Action
from deployments.wizard import steps

#: The most devices that cannot be reached by the plan that are named one by one.
NAMED = 20


def step(request: HttpRequest, draft: Deployment) -> HttpResponse:
    """The plan; *Start now* and *Save for later* freeze it."""
    go = steps.asked(request)
    if request.method != "POST":
        return _show(request, draft)
    if go not in {"start", "ready"}:
        return steps.leave(request, draft, drafting.REVIEW)
    if go == "start" and not _may_start(request):
        return _show(request, draft, "You may prepare this deployment, but not start it.")
    try:
        _submit(request, draft)
    except MoveRefusedError as refusal:
        return _show(request, draft, str(refusal))
    if go == "start":
        _start(request, draft)
    else:
        messages.success(request, f"{draft} is ready. Nothing happens until somebody starts it.")
    return redirect("admin:deployments_deployment_page", draft.pk)


def _submit(request: HttpRequest, draft: Deployment) -> None:
    submitting.submit(
        draft,
        actor=person(request),
        now=timezone.now(),
        edits=edits_shown(request),
        plan_digest=request.POST.get("plan"),
    )


def _start(request: HttpRequest, deployment: Deployment) -> None:
    """Starts what is ready by now; a refusal leaves it ready."""
    try:
        moves.start(deployment, actor=person(request), now=timezone.now())
    except MoveRefusedError as refusal:
        messages.error(request, f"It is ready, but did not start. {refusal}")
    else:
        messages.success(request, f"{deployment} {VERBS[Action.START].done}.")


def _may_start(request: HttpRequest) -> bool:
    return request.user.has_perm(VERBS[Action.START].permission)


def _show(request: HttpRequest, draft: Deployment, error: str = "") -> HttpResponse:
    plan = submitting.preview(draft, now=timezone.now())
    context = {
        "plan": plan,
        "misfits": plan.misfits[:NAMED],
        "holders": plan.holders[:NAMED],
        "configuration": configuration.of(draft),
        "may_start": _may_start(request),
        "error": "" if error and error == " ".join(plan.problems) else error,
    }
    return steps.show(request, draft, drafting.REVIEW, context, failed=bool(error))
