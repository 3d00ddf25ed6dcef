"""The page of one deployment, and its slow poll."""

from dataclasses import dataclass

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from deployments import configuration, frames, listing, queries
from deployments.asking import text_in
from deployments.buttons import buttons
from deployments.models import STATES, Deployment
from deployments.states import BAR_ORDER, STATE_LOOKS, Stage, State

#: Rows of the table of instances on one page.
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Tab:
    """Instances of one state, or all, with a link to them."""

    words: str
    number: int
    query: str
    current: bool
    state: str


def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The live page; it says everything without a script, which only makes it follow."""
    picture = frames.take(pk, now=timezone.now()) if _may_see(request) else None
    if picture is None:
        raise Http404
    deployment = picture.deployment
    context = {
        **admin.site.each_context(request),
        **_instances(request, picture),
        "title": deployment.name,
        "crumbs": [("Deployments", reverse("admin:deployments_deployment_changelist"))],
        "deployment": deployment,
        "picture": picture,
        "buttons": buttons(request, picture),
        "at": frames.moment(picture.at),
        "continue_url": _continue_url(request, deployment),
        "configuration": configuration.of(deployment),
    }
    return render(request, "deployments/page.html", context)


def live_frame(request: HttpRequest, pk: int) -> JsonResponse:
    """The same frame as over the socket, for a page whose socket is dead."""
    _may_see(request)
    wanted = [int(row) for row in request.GET.get("rows", "").split(",") if _is_id(row)]
    frame = frames.snapshot(pk, wanted[:PER_PAGE], now=timezone.now())
    if frame is None:
        raise Http404
    return JsonResponse(frame, headers={"Cache-Control": "no-store"})


def _may_see(request: HttpRequest) -> bool:
    if not request.user.has_perm("deployments.view_deployment"):
        raise PermissionDenied
    return True


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _continue_url(request: HttpRequest, deployment: Deployment) -> str:
    """Where a draft goes on, for somebody who may edit it."""
    may_edit = request.user.has_perm("deployments.change_deployment")
    if deployment.stage != Stage.DRAFT or not may_edit:
        return ""
    return reverse(
        "admin:deployments_deployment_step", args=[deployment.pk, deployment.wizard_step]
    )


def _instances(request: HttpRequest, picture: frames.Picture) -> dict[str, object]:
    """The table of instances, as filtered in the address."""
    search = text_in(request.GET, "q")
    state = request.GET.get("state", "")
    state = state if state in {one.value for one in State} else ""
    found = queries.instances(picture.deployment.pk, search=search, state=state)
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("p"))
    return {
        "page": shown,
        "rows": [(instance, frames.row(instance)) for instance in shown],
        "pages": listing.pages(shown, request.GET),
        "search": search,
        "state": state,
        "state_words": dict(STATES).get(state, ""),
        "tabs": _tabs(request, picture, state),
        "without_filter": listing.changed(request.GET, state=None, q=None),
    }


def _tabs(request: HttpRequest, picture: frames.Picture, chosen: str) -> list[Tab]:
    """One for all instances and one for each state; those without any are hidden."""
    census, given = picture.census, request.GET
    states = [
        Tab(
            STATE_LOOKS[state].words,
            census.number(state),
            listing.changed(given, state=state.value),
            chosen == state,
            state.value,
        )
        for state in BAR_ORDER
    ]
    every = Tab("All", census.total, listing.changed(given, state=None), not chosen, "")
    return [every, *states]
