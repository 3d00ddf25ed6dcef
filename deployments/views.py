"""The page of one deployment, its slow poll, and its devices as a file."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from accounts import spreadsheet
from deployments import below, comparing, configuration, device_rows, frames, queries
from deployments.asking import number_in, numbers_in
from deployments.buttons import buttons
from deployments.models import Deployment
from deployments.states import Stage


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The live page; it says everything without a script, which only makes it follow."""
    picture = frames.take(pk, now=timezone.now()) if _may_see(request) else None
    if picture is None:
        raise Http404
    deployment = picture.deployment
    context = {
        **admin.site.each_context(request),
        **device_rows.context(request, picture),
        "title": deployment.name,
        "crumbs": [("Deployments", reverse("admin:deployments_deployment_changelist"))],
        "deployment": deployment,
        "picture": picture,
        "buttons": buttons(request, picture),
        "at": frames.moment(picture.at),
        "may_create": request.user.has_perm("deployments.add_deployment"),
        "continue_url": _continue_url(request, deployment),
        "configuration": configuration.of(deployment),
    }
    return render(request, "deployments/page.html", context)


def live_frame(request: HttpRequest, pk: int) -> JsonResponse:
    """The same frame as over the socket, for a page whose socket is dead."""
    _may_see(request)
    wanted = numbers_in(request.GET.get("rows", ""))[: device_rows.PER_PAGE]
    frame = frames.snapshot(pk, wanted, now=timezone.now())
    if frame is None:
        raise Http404
    return JsonResponse(frame, headers={"Cache-Control": "no-store"})


def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The devices that the same filters show on the page, as a CSV file."""
    _may_see(request)
    deployment = get_object_or_404(queries.for_page(), pk=pk)
    found = device_rows.chosen(request.GET, deployment).found(deployment)
    rows = device_rows.as_rows(found, timezone.get_current_timezone())
    return spreadsheet.answer(request, f"deployment-{pk}-devices.csv", device_rows.HEADER, rows)


def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """What ran before on its devices, and what the deployment changes there."""
    _may_see(request)
    deployment = get_object_or_404(queries.for_page(), pk=pk)
    context = {
        **below.frame(request, deployment, "Compared with what ran before"),
        "comparison": comparing.compare(deployment, number_in(request.GET.get("with", ""))),
    }
    return render(request, "deployments/compare.html", context)


def _may_see(request: HttpRequest) -> bool:
    if not request.user.has_perm("deployments.view_deployment"):
        raise PermissionDenied
    return True


def _continue_url(request: HttpRequest, deployment: Deployment) -> str:
    """Where a draft goes on, for somebody who may edit it."""
    may_edit = request.user.has_perm("deployments.change_deployment")
    if deployment.stage != Stage.DRAFT or deployment.hidden_at or not may_edit:
        return ""
    return reverse(
        "admin:deployments_deployment_step", args=[deployment.pk, deployment.wizard_step]
    )
