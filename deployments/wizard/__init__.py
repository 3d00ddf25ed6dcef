"""The wizard in five steps; its memory is the draft's row, so one can leave and come back."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from deployments import drafting, queries
from deployments.asking import person
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.states import FINISHED, Stage
from deployments.wizard import application, devices, parameters, review, rollout
from deployments.wizard.application import new
from deployments.wizard.devices import fit
from deployments.wizard.steps import ask_to_edit

__all__ = ["again", "fit", "new", "step"]

STEPS: dict[int, Callable[[HttpRequest, Deployment], HttpResponse]] = {
    drafting.APPLICATION: application.step,
    drafting.DEVICES: devices.step,
    drafting.PARAMETERS: parameters.step,
    drafting.ROLLOUT: rollout.step,
    drafting.REVIEW: review.step,
}


def step(request: HttpRequest, pk: int, step: int) -> HttpResponse:
    """One step of a draft; a step that is not reached yet leads to the one that is."""
    ask_to_edit(request)
    if step not in STEPS:
        raise Http404
    draft = get_object_or_404(queries.for_page(), pk=pk)
    if draft.stage != Stage.DRAFT or draft.hidden_at:
        messages.error(request, f"{draft} {_not_a_draft(draft)}")
        return redirect("admin:deployments_deployment_page", pk)
    if step > draft.wizard_step:
        return redirect("admin:deployments_deployment_step", pk, draft.wizard_step)
    return STEPS[step](request, draft)


def again(request: HttpRequest, pk: int) -> HttpResponse:
    """A new draft of a deployment that is over, opened where its plan can be seen."""
    if not request.user.has_perm("deployments.add_deployment"):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    deployment = get_object_or_404(queries.for_page(), pk=pk)
    page = redirect("admin:deployments_deployment_page", pk)
    if Stage(deployment.stage) not in FINISHED or deployment.hidden_at:
        messages.error(
            request, f"{deployment} can be deployed again once it is over, as long as it is listed."
        )
        return page
    try:
        draft = drafting.again(deployment, actor=person(request), now=timezone.now())
    except MoveRefusedError as refusal:
        messages.error(request, str(refusal))
        return page
    messages.success(request, f"{draft} is a new draft with the same choices. Look it over.")
    return redirect("admin:deployments_deployment_step", draft.pk, drafting.REVIEW)


def _not_a_draft(deployment: Deployment) -> str:
    words = "deleted" if deployment.hidden_at else deployment.look.words.lower()
    if deployment.stage == Stage.READY:
        return f"is {words}: choose Edit to change it."
    return f"is {words} and cannot be changed any more."
