"""The page that changes the labels of many devices: the wish, what it would do, and the doing."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.asking import is_key, person
from devices.forms import RelabelForm
from devices.models import Device
from devices.relabelling import SHOWN, Preview, RelabellingError, preview, relabel
from devices.views import page

#: What the address has besides the filters of the list.
TICKED = "ticked"


def filters(request: HttpRequest) -> str:
    """The filters of the list that the address carries, as a query."""
    given = request.GET.copy()
    for name in ("ids", TICKED, "p"):
        given.pop(name, None)
    return given.urlencode()


def label_many(request: HttpRequest, listed: QuerySet[Device]) -> HttpResponse:
    """GET asks what to do, POST shows what that would change, `apply` does exactly that."""
    back = f"{reverse('admin:devices_device_changelist')}?{filters(request)}"
    chosen = _chosen(request, listed)
    if not chosen.exists():
        messages.error(request, "Tick at least one device, or label all that are listed.")
        return redirect(back)
    form = RelabelForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _show(request, chosen, form, back)
    wish, problem = form.cleaned_data["wish"], ""
    try:
        if digest := request.POST.get("apply"):
            count = relabel(chosen, wish, actor=person(request), digest=digest)
            messages.success(request, f"The labels of {_devices(count)} were changed.")
            return redirect(back)
    except RelabellingError as refusal:
        problem = str(refusal)
    return _preview(request, chosen, form, back, problem)


def _preview(
    request: HttpRequest, chosen: QuerySet[Device], form: RelabelForm, back: str, problem: str
) -> HttpResponse:
    try:
        seen = preview(chosen, form.cleaned_data["wish"])
    except RelabellingError as refusal:
        return _show(request, chosen, form, back, problem=str(refusal))
    return _show(request, chosen, form, back, problem=problem, seen=seen)


def _show(
    request: HttpRequest,
    chosen: QuerySet[Device],
    form: RelabelForm,
    back: str,
    *,
    problem: str = "",
    seen: Preview | None = None,
) -> HttpResponse:
    count = chosen.count()
    context = {
        **page(request, f"Label {_devices(count)}", timezone.now()),
        "form": form,
        "first": chosen.order_by("path", "pk")[:SHOWN],
        "more": max(0, count - SHOWN),
        "seen": seen,
        "problem": problem,
        "back": back,
        "crumbs": [("Devices", back)],
    }
    return render(request, "devices/labels.html", context)


def _chosen(request: HttpRequest, listed: QuerySet[Device]) -> QuerySet[Device]:
    """The ticked ones of the list if rows were ticked, else all of it."""
    if TICKED not in request.GET:
        return listed
    return listed.filter(pk__in=[key for key in request.GET.getlist("ids") if is_key(key)])


def _devices(number: int) -> str:
    return "1 device" if number == 1 else f"{number} devices"
