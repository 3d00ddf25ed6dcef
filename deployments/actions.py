"""The buttons of a deployment's page: what they are called, what they will do, and doing it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from deployments import frames, moves, queries, submitting
from deployments.asking import edits_shown, person
from deployments.drafting import refuse_outdated
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.moves.door import target_of
from deployments.queries import Census
from deployments.states import VERBS, Action, Stage, State, Verb
from deployments.words import devices

#: Actions that ask once more before they are done.
CONFIRMED = frozenset({Action.CANCEL, Action.DELETE})
#: Actions that belong to the wizard's last page, where the plan can be seen.
IN_THE_WIZARD = frozenset({Action.SUBMIT, Action.ASK_APPROVAL, Action.SCHEDULE})
#: Longest reason that is kept.
REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Button:
    """An action on the page; the live frame shows and hides it as the stage changes."""

    action: str
    words: str
    url: str
    available: bool
    confirmed: bool
    css: str


def buttons(request: HttpRequest, deployment: Deployment) -> list[Button]:
    """Every action the person may do in some stage; the others are not there at all."""
    available = frames.actions(deployment)
    return [
        _button(deployment, action, verb, available=action.value in available)
        for action, verb in VERBS.items()
        if action not in IN_THE_WIZARD and request.user.has_perm(verb.permission)
    ]


def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One of the buttons: POST does it; GET says what it will do to how many devices."""
    if action not in {one.value for one in Action}:
        raise Http404
    verb = Action(action)
    if not request.user.has_perm(VERBS[verb].permission):
        raise PermissionDenied
    deployment = get_object_or_404(queries.for_page(), pk=pk)
    try:
        if request.method == "POST":
            return _do(request, deployment, verb)
        return _ask(request, deployment, verb)
    except MoveRefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:deployments_deployment_page", deployment.pk)


def _button(deployment: Deployment, action: Action, verb: Verb, *, available: bool) -> Button:
    url = reverse("admin:deployments_deployment_action", args=[deployment.pk, action.value])
    css = "button-primary" if action is Action.START else "button-plain"
    return Button(action.value, verb.words, url, available, action in CONFIRMED, css)


def _ask(request: HttpRequest, deployment: Deployment, action: Action) -> HttpResponse:
    """The page before a move that cannot be taken back; refuses what would be refused anyway."""
    target_of(deployment, action)
    if action not in CONFIRMED:
        return redirect("admin:deployments_deployment_page", deployment.pk)
    words = VERBS[action].words
    page = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    context = {
        **admin.site.each_context(request),
        "title": f"{words} {deployment.name}?",
        "crumbs": [
            ("Deployments", reverse("admin:deployments_deployment_changelist")),
            (deployment.name, page),
        ],
        "deployment": deployment,
        "words": f"{words} deployment",
        "consequences": consequences(deployment, action, queries.census(deployment.pk)),
        "page_url": page,
        "asks_reason": deployment.stage != Stage.DRAFT,
    }
    return render(request, "deployments/confirm.html", context)


def _do(request: HttpRequest, deployment: Deployment, action: Action) -> HttpResponse:
    if action is Action.START:
        # Only the plan that this page shows may be started from it.
        refuse_outdated(deployment, edits_shown(request))
    now, reason = timezone.now(), request.POST.get("reason", "").strip()[:REASON_LENGTH]
    DOINGS[action](deployment, actor=person(request), now=now, reason=reason)
    if action is Action.EDIT:
        return redirect("admin:deployments_deployment_step", deployment.pk, deployment.wizard_step)
    messages.success(request, f"{deployment.name} {VERBS[action].done}.")
    if action is Action.DELETE:
        return redirect("admin:deployments_deployment_changelist")
    return redirect("admin:deployments_deployment_page", deployment.pk)


Doing = Callable[..., None]


def _edit(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    moves.reopen(deployment, actor=actor, now=now)


def _submit(deployment: Deployment, *, actor: User | None, now: datetime, reason: str = "") -> None:
    submitting.submit(deployment, actor=actor, now=now)


DOINGS: dict[Action, Doing] = {
    Action.EDIT: _edit,
    Action.SUBMIT: _submit,
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


#: What a cancel means for devices in each state, said of one device and of several.
AFTER_CANCEL = (
    (State.QUEUED, "never gets it.", "never get it."),
    (
        State.PENDING,
        "has not begun: it is taken back unless the device knows about it already.",
        "have not begun: it is taken back from those that do not know about it yet.",
    ),
    (State.INSTALLING, "is installing it and may finish.", "are installing it and may finish."),
    (State.INSTALLED, "has installed it and keeps it.", "have installed it and keep it."),
)


def consequences(deployment: Deployment, action: Action, census: Census) -> list[str]:
    """What will happen to how many devices, a sentence each."""
    if action is Action.CANCEL:
        return _after_cancel(deployment, census)
    if deployment.stage == Stage.DRAFT:
        return ["The draft goes for good.", "No device is touched: it was never started."]
    return _after_delete(census)


def _after_cancel(deployment: Deployment, census: Census) -> list[str]:
    if deployment.stage == Stage.READY:
        return [
            f"It will not be rolled out to {devices(census.total)}; none of them was touched.",
            "A cancelled deployment cannot be started any more.",
        ]
    return [
        _counted(census.number(state), one, many)
        for state, one, many in AFTER_CANCEL
        if census.number(state)
    ]


def _after_delete(census: Census) -> list[str]:
    installed = census.number(State.INSTALLED)
    keeps = _counted(installed, "keeps the application.", "keep the application.")
    return [
        "It disappears from the lists; its history stays at its address.",
        keeps if installed else "No device is touched.",
    ]


def _counted(number: int, one: str, many: str) -> str:
    return f"{devices(number)} {one if number == 1 else many}"
