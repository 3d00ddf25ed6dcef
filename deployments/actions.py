"""What the buttons of a deployment's page do, and the page that asks once more before."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from accounts.models import User
from deployments import below, consequences, moves, queries, scheduling, submitting
from deployments.asking import edits_shown, gate_shown, person, plan_shown, text_in
from deployments.drafting import refuse_outdated
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.moves.door import target_of
from deployments.states import GOING_BACK, VERBS, Action, Stage

#: Actions that undo or end something: their last button looks like it.
DANGEROUS = frozenset({Action.ROLLBACK, Action.CANCEL, Action.DENY, Action.GIVE_UP, Action.DELETE})
#: Decisions about the plan that the person saw.
ABOUT_THE_PLAN = frozenset({Action.APPROVE, Action.DENY})
#: Longest reason that is kept.
REASON_LENGTH = 500


def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One of the buttons: POST does it; GET says what it will do to how many devices."""
    if action not in {one.value for one in Action}:
        raise Http404
    verb = Action(action)
    if not request.user.has_perm(VERBS[verb].permission):
        raise PermissionDenied
    deployment = get_object_or_404(queries.for_page(), pk=pk)
    try:
        return _answer(request, deployment, verb)
    except MoveRefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:deployments_deployment_page", deployment.pk)


def _answer(request: HttpRequest, deployment: Deployment, action: Action) -> HttpResponse:
    if action is Action.SCHEDULE:
        return scheduling.schedule(request, deployment)
    if request.method == "POST":
        return _do(request, deployment, action)
    return _ask(request, deployment, action)


def _ask(request: HttpRequest, deployment: Deployment, action: Action) -> HttpResponse:
    """The page before a move with consequences; refuses what would be refused anyway."""
    target_of(deployment, action)
    if action not in consequences.TOLD_FIRST:
        return redirect("admin:deployments_deployment_page", deployment.pk)
    if action in ABOUT_THE_PLAN:
        _refuse_other_plan(deployment, plan_shown(request))
    context = {
        **below.frame(request, deployment, _title(deployment, action)),
        "words": "Cancel the rollout" if action is Action.CANCEL else VERBS[action].words,
        "dangerous": action in DANGEROUS,
        "consequences": consequences.of(deployment, action, now=timezone.now()),
        "plan": deployment.plan_digest if action in ABOUT_THE_PLAN else "",
        "asks_reason": deployment.stage != Stage.DRAFT,
        "reason_words": "Remark" if action is Action.APPROVE else "Reason",
        "reason_length": REASON_LENGTH,
    }
    return render(request, "deployments/confirm.html", context)


def _title(deployment: Deployment, action: Action) -> str:
    """What is asked; where the button's words could be misread, in other words."""
    name, stage = deployment.name, Stage(deployment.stage)
    if action is Action.RETRY_FAILED and stage in GOING_BACK:
        return "Put the failed devices back once more?"
    if action is Action.RETRY_FAILED:
        return "Try the failed devices again?"
    if action is Action.CANCEL:
        return f"Cancel the rollout of {name}?"
    if action is Action.RESUME and stage is Stage.HELD:
        return f"Resume {name} despite the failures?"
    return f"{VERBS[action].words}: {name}?"


def _do(request: HttpRequest, deployment: Deployment, action: Action) -> HttpResponse:
    _refuse_unseen(request, deployment, action)
    now, reason = timezone.now(), text_in(request.POST, "reason")[:REASON_LENGTH]
    seen = _seen(request, action)
    DOINGS[action](deployment, actor=person(request), now=now, reason=reason, **seen)
    if action is Action.EDIT:
        return redirect("admin:deployments_deployment_step", deployment.pk, deployment.wizard_step)
    messages.success(request, f"{deployment.name} {VERBS[action].done}.")
    if action is Action.DELETE:
        return redirect("admin:deployments_deployment_changelist")
    return redirect("admin:deployments_deployment_page", deployment.pk)


def _refuse_unseen(request: HttpRequest, deployment: Deployment, action: Action) -> None:
    """Only what a page shows may be decided from it; raises MoveRefusedError."""
    target_of(deployment, action)
    if action is Action.START:
        refuse_outdated(deployment, edits_shown(request))


def _seen(request: HttpRequest, action: Action) -> dict[str, str | int | None]:
    """What the person was looking at, for verbs that are about exactly that."""
    if action in ABOUT_THE_PLAN:
        return {"plan_digest": plan_shown(request)}
    return {"gate_batch": gate_shown(request)} if VERBS[action].gate is not None else {}


def _refuse_other_plan(deployment: Deployment, shown: str | None) -> None:
    if shown not in (None, deployment.plan_digest):
        raise MoveRefusedError(f"{deployment.name} was changed since it was shown: look again.")


Doing = Callable[..., None]


def _edit(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    moves.reopen(deployment, actor=actor, now=now)


def _submit(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    submitting.submit(deployment, actor=actor, now=now)


def _ask_approval(
    deployment: Deployment, *, actor: User | None, now: datetime, reason: str = ""
) -> None:
    submitting.submit(deployment, actor=actor, now=now, ask_approval=True)


DOINGS: dict[Action, Doing] = {
    Action.EDIT: _edit,
    Action.SUBMIT: _submit,
    Action.ASK_APPROVAL: _ask_approval,
    Action.APPROVE: moves.approve,
    Action.DENY: moves.deny,
    Action.START: moves.start,
    Action.PROMOTE_CANARY: moves.promote_canary,
    Action.APPROVE_BATCH: moves.approve_batch,
    Action.RESUME: moves.resume,
    Action.PAUSE: moves.pause,
    Action.RETRY_FAILED: moves.retry_failed,
    Action.GIVE_UP: moves.give_up_rest,
    Action.ROLLBACK: moves.roll_back,
    Action.CANCEL: moves.cancel,
    Action.DELETE: moves.delete,
}
