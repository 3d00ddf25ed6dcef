"""What the steps of the wizard have in common: the stepper, the buttons, the way on."""

from dataclasses import dataclass

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from deployments.asking import edits_shown
from deployments.models import Deployment
from deployments.outlook import STEPS


@dataclass(frozen=True, slots=True)
class StepMark:
    """A step as the stepper shows it; `go` is what its button asks for."""

    number: int
    words: str
    state: str
    go: str


def ask_to_edit(request: HttpRequest) -> None:
    """Raises PermissionDenied for whoever may not change deployments."""
    if not request.user.has_perm("deployments.change_deployment"):
        raise PermissionDenied


def asked(request: HttpRequest) -> str:
    """The button that was pressed."""
    return request.POST.get("go", "next")


def leave(request: HttpRequest, draft: Deployment, number: int) -> HttpResponse:
    """Goes where the button says, after the step was saved."""
    go = asked(request)
    if go == "draft":
        messages.success(request, f"{draft} is saved as a draft. Continue it when you like.")
        return redirect("admin:deployments_deployment_page", draft.pk)
    if go == "back":
        return redirect("admin:deployments_deployment_step", draft.pk, max(number - 1, 1))
    reached = int(go) if go.isdecimal() and len(go) == 1 else number + 1
    wanted = min(max(reached, 1), draft.wizard_step)
    return redirect("admin:deployments_deployment_step", draft.pk, wanted)


def show(
    request: HttpRequest,
    draft: Deployment | None,
    number: int,
    context: dict[str, object],
    *,
    failed: bool = False,
) -> HttpResponse:
    """The page of a step; `failed` says that an answer on it could not be taken."""
    crumbs = [("Deployments", reverse("admin:deployments_deployment_changelist"))]
    template = f"deployments/wizard/{TEMPLATES[number - 1]}.html"
    given = None if draft is None else edits_shown(request)
    whole = {
        **admin.site.each_context(request),
        "title": "New deployment" if draft is None else draft.name,
        "crumbs": crumbs,
        "draft": draft,
        "number": number,
        "step_words": STEPS[number - 1],
        "steps": marks(draft, number),
        "failed": failed,
        # A refused answer keeps the count it was given to: it is taken after a reload only.
        "edits": draft.edits if draft and given is None else given,
        "outdated": draft is not None and given not in (None, draft.edits),
        **context,
    }
    return render(request, template, whole)


def marks(draft: Deployment | None, number: int) -> list[StepMark]:
    """The stepper: steps that were reached can be gone to."""
    reached = 1 if draft is None else draft.wizard_step
    return [_mark(one, words, number, reached) for one, words in enumerate(STEPS, start=1)]


def _mark(one: int, words: str, number: int, reached: int) -> StepMark:
    if one == number:
        return StepMark(one, words, "current", "")
    state = "done" if one < reached else "todo"
    return StepMark(one, words, state, str(one) if one <= reached else "")


TEMPLATES = ("application", "devices", "parameters", "rollout", "review")
