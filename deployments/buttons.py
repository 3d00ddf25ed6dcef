"""The buttons of a deployment's page: which there are, and what they post."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from deployments.consequences import TOLD_FIRST
from deployments.frames import Picture
from deployments.models import Deployment
from deployments.states import PRIMARY, VERBS, Action, Gate

#: Actions that belong to the wizard's last page, where the plan can be seen.
IN_THE_WIZARD = frozenset({Action.SUBMIT, Action.ASK_APPROVAL})
#: In the order in which they stand on the page.
ORDER = (
    *PRIMARY,
    Action.DENY,
    *(action for action in VERBS if action not in {*PRIMARY, Action.DENY, *IN_THE_WIZARD}),
)
#: Actions that lead to a page of their own first.
WITH_A_PAGE = TOLD_FIRST | {Action.SCHEDULE}
#: Decisions about a plan that an author does not make.
NOT_BY_AUTHORS = frozenset({Action.APPROVE, Action.DENY})


@dataclass(frozen=True, slots=True)
class Button:
    """An action on the page; the live frame shows and hides it as the stage changes.

    `at_gate` are those that stand beside the sentence about the gate which they open. `shown` is
    what it tells of what the person saw: by name, the value that was on the page.
    """

    action: str
    words: str
    url: str
    available: bool
    asks_first: bool
    css: str
    at_gate: bool
    shown: tuple[tuple[str, str], ...]


def buttons(request: HttpRequest, picture: Picture) -> list[Button]:
    """Every action the person may do in some stage; the others are not there at all."""
    available = frozenset(picture.actions)
    return [
        _button(picture, action, available=action.value in available)
        for action in ORDER
        if _may(request, picture.deployment, action)
    ]


def _may(request: HttpRequest, deployment: Deployment, action: Action) -> bool:
    is_author = request.user.pk in deployment.authors and not settings.AUTHOR_MAY_APPROVE
    if action in NOT_BY_AUTHORS and is_author:
        return False
    return request.user.has_perm(VERBS[action].permission)


def _button(picture: Picture, action: Action, *, available: bool) -> Button:
    return Button(
        action.value,
        VERBS[action].words,
        reverse("admin:deployments_deployment_action", args=[picture.deployment.pk, action.value]),
        available,
        action in WITH_A_PAGE,
        "button-primary" if action.value == picture.primary else "button-plain",
        VERBS[action].gate is not None,
        _shown(picture, action),
    )


def _shown(picture: Picture, action: Action) -> tuple[tuple[str, str], ...]:
    deployment = picture.deployment
    if action is Action.START:
        return (("edits", str(deployment.edits)),)
    if action in NOT_BY_AUTHORS:
        return (("plan", deployment.plan_digest),)
    if VERBS[action].gate in set(Gate):
        return tuple(picture.shown.items())
    return ()
