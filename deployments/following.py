"""What the list and the overview ask for while somebody looks: their lines, and what is new."""

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import look
from deployments import lines, listing, panels, queries
from deployments.asking import number_in, numbers_in
from deployments.lines import Line, line, moving
from deployments.words import counted

#: More news than these are not counted: whoever sees so many loads the page anyway.
MOST_NEWS = 100


def live(request: HttpRequest) -> JsonResponse:
    """The lines that a page shows, as they are now, by the template that painted them first.

    With what else the page shows: the overview's numbers, and whether there are news on it.
    """
    if not request.user.has_perm("deployments.view_deployment"):
        raise PermissionDenied
    wanted = numbers_in(request.GET.get("ids", ""))[: lines.PER_PAGE]
    found, now = [line(one) for one in queries.for_list().filter(pk__in=wanted)], timezone.now()
    about = PAGES.get(request.GET.get("of", ""))
    answer = {
        "moving": moving(found),
        "note": f"As of {look.moment(now)}.",
        "lines": {one.deployment.pk: _painted(one, now) for one in found},
        **(about(request, wanted) if about else {}),
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _of_overview(request: HttpRequest, _shown: list[int]) -> dict[str, str]:
    """The numbers, and how many lines of history there are that it does not show."""
    seen = number_in(request.GET.get("seen", "")) or 0
    number = queries.events_after(seen)[:MOST_NEWS].count()
    words = "many new events" if number == MOST_NEWS else counted(number, "new event")
    return {
        "tiles": str(panels.by_stage(request, None) or ""),
        "news": f"{words}: reload" if number else "",
    }


def _of_list(request: HttpRequest, shown: list[int]) -> dict[str, str]:
    """How many deployments are on this page of the list by now that it does not show."""
    _, page = listing.asked_for(request.GET)
    number = len({deployment.pk for deployment in page} - set(shown))
    return {"news": f"{number} new: reload" if number else ""}


#: What a page asks for besides its lines, by the name that it gives in the address.
PAGES: dict[str, Callable[[HttpRequest, list[int]], dict[str, str]]] = {
    "overview": _of_overview,
    "list": _of_list,
}


def _painted(one: Line, now: datetime) -> str:
    return render_to_string("deployments/_line.html", {"line": one, "now": now})
