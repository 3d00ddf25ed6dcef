"""The page that asks before one device goes back to what it ran before."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from deployments import one_device, past
from deployments.asking import person, plan_shown, text_in
from deployments.device_panels import may_roll_back
from deployments.models import Revision
from deployments.moves import MoveRefusedError
from deployments.past import WorkloadWithPast
from deployments.states import Stage

#: Longest reason that is kept.
REASON_LENGTH = 500


def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """GET says what will happen, POST makes and starts the deployment."""
    if not may_roll_back(request):
        raise PermissionDenied
    workload = get_object_or_404(past.workloads(), pk=pk)
    try:
        return _do(request, workload) if request.method == "POST" else _ask(request, workload)
    except MoveRefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:devices_device_change", workload.device_id)


def _do(request: HttpRequest, workload: WorkloadWithPast) -> HttpResponse:
    deployment = one_device.roll_back(
        workload.pk,
        actor=person(request),
        now=timezone.now(),
        reason=text_in(request.POST, "reason")[:REASON_LENGTH],
        shown=plan_shown(request) or "",
    )
    said = f"The device {workload.device} goes back to {deployment.version}: follow it here."
    if deployment.stage == Stage.AWAITING_APPROVAL:
        reasons = " ".join(deployment.approval_reasons)
        said = (
            f"“{deployment}” waits for approval. {reasons} Nothing happens before somebody "
            "approves and starts it."
        )
    messages.success(request, said)
    return redirect("admin:deployments_deployment_page", deployment.pk)


def _ask(request: HttpRequest, workload: WorkloadWithPast) -> HttpResponse:
    before = one_device.revision_before(workload)
    page = reverse("admin:devices_device_change", args=[workload.device_id])
    context = {
        **admin.site.each_context(request),
        "title": f"Roll back {workload.application} on {workload.device}?",
        "crumbs": [
            ("Devices", reverse("admin:devices_device_changelist")),
            (str(workload.device), page),
        ],
        "words": "Roll back this device",
        "dangerous": True,
        "consequences": _consequences(workload, before),
        "page_url": page,
        "plan": one_device.seen(workload),
        "asks_reason": True,
        "reason_words": "Reason",
        "reason_length": REASON_LENGTH,
    }
    return render(request, "deployments/confirm.html", context)


def _consequences(workload: WorkloadWithPast, before: Revision) -> list[str]:
    """What will happen, a sentence each."""
    wanted = workload.wanted
    assert wanted is not None
    told = [
        f"The device {workload.device} goes back to {before.version}.",
        f"It gets the profile and parameters that it had from “{before.deployment}”.",
        f"{wanted.version} from “{wanted.deployment}” goes from this device alone.",
    ]
    if reasons := one_device.approval_reasons(workload, before):
        return [*told, *reasons, "So it waits until somebody else approves it and starts it."]
    return [
        *told,
        "A deployment to this one device is made and started at once.",
        "The device gets it when it next asks.",
    ]
