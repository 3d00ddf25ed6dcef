"""Step 1: which version of which application, in which profile, under which name."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.search import words_of
from applications import shown
from applications.models import ApplicationVersion
from deployments import drafting
from deployments.asking import edits_shown, number_in, person, text_in
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.wizard import steps
from devices.models import DeviceGroup

#: How many versions the step shows before it asks for a search.
SHOWN = 40
NAME_LENGTH = 200
NOT_CHOSEN = "Choose a version of an application and the profile to deploy."


class AnswerError(Exception):
    """The form's answer cannot be taken, and why."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One profile of one version, as a row to choose."""

    value: str
    version: ApplicationVersion
    profile: str
    kind: str
    description: str
    problem: str
    chosen: bool
    first: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was chosen in the form."""

    version: ApplicationVersion
    profile_id: str
    name: str


def new(request: HttpRequest) -> HttpResponse:
    """The first step of a deployment that does not exist yet; saving it makes the draft."""
    if not request.user.has_perm("deployments.add_deployment"):
        raise PermissionDenied
    group = DeviceGroup.objects.filter(pk=number_in(_given(request, "group")) or 0).first()
    if request.method != "POST":
        return _show(request, None, group=group)
    try:
        answer = _answer(request)
        draft = drafting.create(
            version=answer.version,
            profile_id=answer.profile_id,
            name=answer.name,
            actor=person(request),
            now=timezone.now(),
            targeting={"groups": [group.pk]} if group else None,
        )
    except (AnswerError, MoveRefusedError) as refusal:
        return _show(request, None, group=group, error=str(refusal))
    return _leave_new(request, draft)


def step(request: HttpRequest, draft: Deployment) -> HttpResponse:
    """The first step of a draft."""
    if request.method != "POST":
        return _show(request, draft)
    try:
        answer = _answer(request)
        drafting.choose_application(
            draft,
            version=answer.version,
            profile_id=answer.profile_id,
            name=answer.name,
            actor=person(request),
            now=timezone.now(),
            edits=edits_shown(request),
        )
    except (AnswerError, MoveRefusedError) as refusal:
        return _show(request, draft, error=str(refusal))
    return steps.leave(request, draft, drafting.APPLICATION)


def _leave_new(request: HttpRequest, draft: Deployment) -> HttpResponse:
    if steps.asked(request) == "draft":
        return steps.leave(request, draft, drafting.APPLICATION)
    return redirect("admin:deployments_deployment_step", draft.pk, drafting.DEVICES)


def _answer(request: HttpRequest) -> Answer:
    """Raises AnswerError with the sentence to show."""
    number, _, profile_id = request.POST.get("choice", "").partition(":")
    versions = ApplicationVersion.objects.select_related("application")
    version = versions.filter(pk=number_in(number) or 0).first()
    if version is None or not profile_id:
        raise AnswerError(NOT_CHOSEN)
    name = text_in(request.POST, "name")
    if len(name) > NAME_LENGTH:
        raise AnswerError(f"A name has at most {NAME_LENGTH} characters; this one has {len(name)}.")
    return Answer(version, profile_id, name)


def _show(
    request: HttpRequest,
    draft: Deployment | None,
    *,
    group: DeviceGroup | None = None,
    error: str = "",
) -> HttpResponse:
    search = text_in(request.GET, "q")
    wanted = number_in(_given(request, "version"))
    found = versions(search, wanted if not search else None)
    chosen = _chosen(request, draft, wanted)
    context = {
        "offers": offers(list(found[:SHOWN]), chosen),
        "hidden": max(0, found.count() - SHOWN),
        "search": search,
        "name": request.POST.get("name", draft.name if draft else ""),
        "group": group,
        "version": wanted,
        "error": error,
        "there_are_some": bool(search) or found.exists(),
    }
    return steps.show(request, draft, drafting.APPLICATION, context, failed=bool(error))


def versions(search: str, only: int | None) -> QuerySet[ApplicationVersion]:
    """The versions that can be chosen, by application, the newest first."""
    found = ApplicationVersion.objects.filter(state=ApplicationVersion.State.AVAILABLE)
    if only is not None:
        found = found.filter(pk=only)
    for word in words_of(search):
        found = found.filter(
            Q(application__name__icontains=word)
            | Q(application__app_id__icontains=word)
            | Q(version__icontains=word)
        )
    found = found.select_related("application").defer("raw", "sections", "schemas", "parameters")
    return found.order_by("application__name", "application", "-imported_at", "-pk")


def offers(found: list[ApplicationVersion], chosen: str) -> list[Offer]:
    """A row for each profile of each version; the chosen one is marked."""
    rows = [
        _offer(version, profile, chosen, first=number == 0)
        for version in found
        for number, profile in enumerate(version.profiles)
    ]
    usable = [row for row in rows if not row.problem]
    if chosen or len(usable) != 1:
        return rows
    return offers(found, usable[0].value)


def _offer(
    version: ApplicationVersion, profile: dict[str, object], chosen: str, *, first: bool
) -> Offer:
    value = f"{version.pk}:{profile['id']}"
    return Offer(
        value=value,
        version=version,
        profile=str(profile["id"]),
        kind=shown.TYPES.get(str(profile.get("type")), str(profile.get("type", ""))),
        description=str(profile.get("description") or ""),
        problem=str(profile.get("problem") or ""),
        chosen=value == chosen,
        first=first,
    )


def _chosen(request: HttpRequest, draft: Deployment | None, version: int | None) -> str:
    if "choice" in request.POST:
        return request.POST["choice"]
    return f"{draft.version_id}:{draft.profile_id}" if draft and not version else ""


def _given(request: HttpRequest, name: str) -> str:
    return request.POST.get(name) or request.GET.get(name) or ""
