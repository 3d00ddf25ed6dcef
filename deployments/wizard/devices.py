"""Step 2: the devices, by hand, by group and by label, with who fits and who does not and why."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.look import Look
from deployments import drafting, queries, targeting
from deployments.asking import edits_shown, person, text_in
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.wizard import selection, steps
from deployments.wizard.selection import Fit, Targeting
from deployments.words import devices
from devices import groups, labels
from devices.models import Device, DeviceGroup
from devices.selectors import SelectorError
from devices.status import LOOKS, DeviceWithStatus, Status, with_status

#: Devices on one page of the list to choose from.
PER_PAGE = 25
NOBODY = "Choose at least one device: by group, by label or by hand."
#: Buttons that only leave the step, as against those that change the choice and stay.
LEAVING = frozenset({"next", "back", "draft", *"12345"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device to choose by hand; `why_not` says why it cannot run the application."""

    device: Device
    look: Look
    labels: dict[str, list[str]]
    ticked: bool
    why_not: str
    busy_with: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group to choose."""

    group: DeviceGroup
    ticked: bool
    words: str


def step(request: HttpRequest, draft: Deployment) -> HttpResponse:
    """Shows and saves the choice."""
    wanted = selection.stored(draft)
    if request.method != "POST":
        return _show(request, draft, wanted)
    go = steps.asked(request)
    wanted = selection.posted(request.POST, wanted)
    pasted = selection.pasted(text_in(request.POST, "pasted")) if go == "paste" else ([], [])
    wanted = replace(wanted, ids=[*dict.fromkeys([*wanted.ids, *pasted[0]])])
    try:
        wanted = _changed(draft, wanted, go, text_in(request.POST, "q"))
        if go == "next" and not targeting.chosen(wanted.as_json()).exists():
            return _show(request, draft, wanted, error=NOBODY, failed=True)
        _save(request, draft, wanted)
    except SelectorError:
        return _show(request, draft, wanted, failed=True)
    except MoveRefusedError as refusal:
        return _show(request, draft, wanted, error=str(refusal), failed=True)
    if go == "paste":
        _tell_of_list(request, *pasted)
    if go not in LEAVING:
        return redirect(_stay(request, draft, go))
    return steps.leave(request, draft, drafting.DEVICES)


def fit(request: HttpRequest, pk: int) -> JsonResponse:
    """How the devices of an unsaved form stand; saves nothing."""
    steps.ask_to_edit(request)
    draft = get_object_or_404(queries.for_page(), pk=pk)
    wanted = selection.stored(draft)
    if request.method == "POST":
        wanted = selection.posted(request.POST, wanted)
    seen = selection.fit(draft, wanted)
    return JsonResponse({"html": _fit_html(draft, seen), "total": seen.total})


def _save(request: HttpRequest, draft: Deployment, wanted: Targeting) -> None:
    drafting.choose_devices(
        draft,
        wanted.as_json(),
        actor=person(request),
        now=timezone.now(),
        edits=edits_shown(request),
    )


def _changed(draft: Deployment, wanted: Targeting, go: str, search: str) -> Targeting:
    """What the buttons do that change the choice as a whole."""
    if go in {"all", "none"}:
        found = dict.fromkeys(selection.search(search).values_list("pk", flat=True))
        more = [*dict.fromkeys([*wanted.ids, *found])]
        fewer = [pk for pk in wanted.ids if pk not in found]
        return replace(wanted, ids=more if go == "all" else fewer)
    if go.startswith("without-"):
        return selection.without(draft, wanted, go.removeprefix("without-"))
    return wanted


def _tell_of_list(request: HttpRequest, ticked: list[int], unknown: list[str]) -> None:
    """Says what of a pasted list was found."""
    if not ticked and not unknown:
        messages.warning(request, "The list is empty: paste the ids of devices, one a line.")
    if ticked:
        messages.success(request, f"Ticked {devices(len(ticked))} of the list.")
    if unknown:
        named = ", ".join(unknown[: selection.NAMED])
        more = len(unknown) - selection.NAMED
        rest = f" and {more} more" if more > 0 else ""
        messages.warning(request, f"There is no such device: {named}{rest}.")


def _stay(request: HttpRequest, draft: Deployment, go: str) -> str:
    """The address of the same step, on the page and with the search that were asked for."""
    search, number = text_in(request.POST, "q"), request.POST.get("p", "1")
    if go.startswith("page-"):
        number = go.removeprefix("page-")
    elif go == "search":
        number = "1"
    asked = {name: value for name, value in (("q", search), ("p", number)) if value}
    address = reverse("admin:deployments_deployment_step", args=[draft.pk, drafting.DEVICES])
    place = "#chosen" if go == "update" or go.startswith("without-") else "#by-hand"
    return f"{address}?{urlencode(asked)}{place}"


def _show(
    request: HttpRequest,
    draft: Deployment,
    wanted: Targeting,
    *,
    error: str = "",
    failed: bool = False,
) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    search = text_in(asked, "q")
    found = with_status(selection.search(search), timezone.now())
    page = Paginator(found, PER_PAGE).get_page(asked.get("p"))
    seen = selection.fit(draft, wanted)
    context = {
        "wanted": wanted,
        "groups": _groups(wanted),
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "candidates": _candidates(draft, page, wanted),
        "search": search,
        "fit": seen,
        "error": error,
        "by_hand": devices(len(wanted.ids)),
        "there_are_some": bool(search) or bool(page.paginator.count),
    }
    return steps.show(request, draft, drafting.DEVICES, context, failed=failed)


def _candidates(
    draft: Deployment, page: "Page[DeviceWithStatus]", wanted: Targeting
) -> list[Candidate]:
    """The devices of the page, judged in two queries."""
    shown = list(page)
    these = Device.objects.filter(pk__in=[device.pk for device in shown])
    judged = targeting.judge(these, draft.version, draft.profile_id)
    reasons = {misfit.device_id: "; ".join(misfit.reasons) for misfit in judged.misfits}
    held = targeting.holders(these, draft.version.application, besides=draft)
    busy = {holder.path: holder.deployment_name for holder in held}
    ticked = set(wanted.ids)
    return [
        Candidate(
            device,
            LOOKS[Status(device.status_now)],
            labels.effective(device.reported_labels, device.assigned_labels),
            device.pk in ticked,
            reasons.get(device.pk, ""),
            busy.get(device.path, ""),
        )
        for device in shown
    ]


def _groups(wanted: Targeting) -> list[Group]:
    found = list(DeviceGroup.objects.order_by("name"))
    sizes = groups.sizes(found)
    return [
        Group(group, group.pk in wanted.groups, _group_words(group, sizes[group.pk]))
        for group in found
    ]


def _group_words(group: DeviceGroup, size: int) -> str:
    return f"{devices(size)} · label {group.selector}" if group.selector else devices(size)


def _fit_html(draft: Deployment, seen: Fit) -> str:
    return render_to_string("deployments/wizard/_fit.html", {"draft": draft, "fit": seen})
