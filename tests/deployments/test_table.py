"""The table of the life cycle, walked: every stage × every action × every role, and the engine.

What is expected stands here once more, as it was agreed upon: whoever changes the table of the
product changes this one, too.
"""

import itertools
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from deployments import frames, states, submitting
from deployments.models import Deployment, Event, Instance, Revision, Workload
from deployments.moves.door import move
from deployments.states import VERBS, Action, Gate, Stage
from tests import cast
from tests.deployments import plant
from tests.deployments.stories import STORIES, brought_to

pytestmark = pytest.mark.django_db

#: What people may do in which stage, and where it leads; None: gone from the lists.
TABLE: dict[str, dict[str, str | None]] = {
    "draft": {
        "edit": "draft",
        "submit": "ready",
        "ask_approval": "awaiting_approval",
        "delete": None,
    },
    "awaiting_approval": {
        "edit": "draft",
        "approve": "ready",
        "deny": "cancelled",
        "schedule": "awaiting_approval",
        "cancel": "cancelled",
    },
    "ready": {"edit": "draft", "start": "rolling", "schedule": "ready", "cancel": "cancelled"},
    "rolling": {"pause": "paused", "rollback": "rolling_back", "cancel": "cancelling"},
    "gate canary": {
        "promote_canary": "rolling",
        "pause": "paused",
        "rollback": "rolling_back",
        "cancel": "cancelling",
    },
    "gate batch": {
        "approve_batch": "rolling",
        "pause": "paused",
        "rollback": "rolling_back",
        "cancel": "cancelling",
    },
    "held": {
        "resume": "rolling",
        "retry_failed": "rolling",
        "rollback": "rolling_back",
        "cancel": "cancelling",
    },
    "paused": {"resume": "rolling", "rollback": "rolling_back", "cancel": "cancelling"},
    "cancelling": {"rollback": "rolling_back"},
    "completed": {"retry_failed": "rolling", "rollback": "rolling_back", "delete": None},
    "rolling_back": {"retry_failed": "rolling_back", "give_up": "rolling_back"},
    "rolled_back": {"retry_failed": "rolling_back", "delete": None},
    "cancelled": {"rollback": "rolling_back", "delete": None},
}

#: Where the engine may lead it by itself.
ENGINE: dict[str, set[str]] = {
    "ready": {"rolling"},
    "rolling": {"gate", "held", "rolling_back", "completed"},
    "gate": {"rolling", "held", "rolling_back"},
    "held": {"rolling_back"},
    "paused": {"rolling_back"},
    "cancelling": {"cancelled"},
    "rolling_back": {"rolled_back"},
}

ACTIONS = {
    "edit",
    "submit",
    "ask_approval",
    "approve",
    "deny",
    "start",
    "schedule",
    "promote_canary",
    "approve_batch",
    "resume",
    "pause",
    "retry_failed",
    "give_up",
    "rollback",
    "cancel",
    "delete",
}
#: What the people of each role may do, where the stage allows it.
DUTIES = {"viewer": set(), "operator": ACTIONS - {"approve", "deny"}, "admin": ACTIONS}
#: Decided in the wizard, where the plan can be seen, and not by buttons of the page.
IN_THE_WIZARD = {"submit", "ask_approval"}
#: Kinds of the line of history that an action leaves; the others move.
KINDS = {
    "deny": "denied",
    "schedule": "scheduled",
    "retry_failed": "retried",
    "give_up": "gave_up",
    "delete": "deleted",
}
#: Actions that keep no reason: what they change speaks for itself.
WITHOUT_REASON = {"edit", "submit", "ask_approval", "schedule"}
REASON = "Line 4 is in maintenance"


def test_the_tables_name_every_stage_action_and_role():
    assert {stage.partition(" ")[0] for stage in TABLE} == {stage.value for stage in Stage}
    assert {f"gate {gate}" for gate in Gate} == {stage for stage in TABLE if " " in stage}
    assert {action.value for action in Action} == ACTIONS
    assert set(DUTIES) == {role.value for role in cast.Role}
    assert set(TABLE) == set(STORIES)


@pytest.mark.parametrize("stage", TABLE)
def test_every_action_of_every_role_does_what_the_table_says_or_nothing(stage):
    deployment = brought_to(stage, cast.person(None, "author"))
    people = [cast.person(role) for role in cast.Role]
    browsers = {person.username: cast.sign_in(person) for person in people}
    before = _everything()
    for role, action in itertools.product(DUTIES, sorted(ACTIONS)):
        # What one of them did is taken back before the next one comes.
        with transaction.atomic():
            if action in DUTIES[role] and action in TABLE[stage]:
                _is_done(browsers[role], role, deployment, action, TABLE[stage][action])
            else:
                _is_not_done(browsers[role], role, deployment, action)
                assert _everything() == before, action
            transaction.set_rollback(True)


def _post(browser: Browser, deployment: Deployment, action: str):
    url = reverse("admin:deployments_deployment_action", args=[deployment.pk, action])
    tomorrow = timezone.localtime() + timedelta(days=1)
    shown = {
        "edits": str(deployment.edits),
        "plan": deployment.plan_digest,
        "gate_batch": str(deployment.gate_batch or ""),
        "at": tomorrow.strftime("%Y-%m-%dT%H:%M"),
        "reason": REASON,
    }
    # What was said to the person before belongs to a page that was never opened.
    browser.cookies.pop("messages", None)
    return browser.post(url, shown)


def _everything() -> list[list[tuple]]:
    """Every row that an action could touch."""
    models = (Deployment, Event, Instance, Revision, Workload)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


def _is_not_done(browser, role, deployment, action):
    """Forbidden to the role, or refused with a sentence to one that may do it elsewhere."""
    response = _post(browser, deployment, action)
    if action not in DUTIES[role]:
        assert response.status_code == 403, action
        return
    assert response.status_code == 302, action
    why = states.refusal(Action(action), Stage(deployment.stage), deployment.gate_kind)
    assert _said(response) == [f"Rollout {why}."]


def _said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def _is_done(browser, role, deployment, action, to):
    known = set(deployment.events.values_list("pk", flat=True))
    response = _post(browser, deployment, action)
    assert response.status_code == 302, action
    if action not in {"edit", "schedule"}:
        assert _said(response) == [f"Rollout {VERBS[Action(action)].done}."]
    row = Deployment.objects.listed().filter(pk=deployment.pk).first()
    assert (row.stage if row else None) == to, action
    fresh = Event.objects.filter(deployment=deployment.pk).exclude(pk__in=known)
    _left_its_line(fresh, role, deployment, action, to)


def _left_its_line(fresh, role, deployment, action, to):
    """One event says what moved from where to where and by whom; a draft's own rest leaves none."""
    if deployment.stage == "draft" and action in {"edit", "delete"}:
        assert not fresh.exists()
        return
    [line] = [event for event in fresh if event.to_stage or event.actor]
    assert line.kind == KINDS.get(action, "moved")
    assert line.actor.username == role
    assert line.sentence.endswith(".")
    assert line.reason == ("" if action in WITHOUT_REASON else REASON)
    if to is not None:
        assert (line.from_stage, line.to_stage) == (deployment.stage, to)


@pytest.mark.parametrize("stage", TABLE)
def test_the_engine_moves_only_as_its_own_table_says(stage):
    deployment = brought_to(stage)
    allowed, before = ENGINE.get(deployment.stage, set()), _everything()
    for to in Stage:
        deployment.refresh_from_db()
        with transaction.atomic():
            if to.value in allowed:
                _engine_moves(deployment, to)
            else:
                with pytest.raises(ValueError, match=f"from {deployment.stage} to {to}"):
                    _move(deployment, to)
                assert _everything() == before
            transaction.set_rollback(True)


def _move(deployment, to):
    move(deployment, to, "The numbers.", now=plant.NOON, actor=None, by_engine=True)


def _engine_moves(deployment, to):
    was, known = deployment.stage, deployment.events.count()
    _move(deployment, to)
    assert Deployment.objects.get(pk=deployment.pk).stage == to
    line = deployment.events.first()
    assert deployment.events.count() == known + 1
    assert (line.from_stage, line.to_stage, line.actor) == (was, to, None)
    assert line.sentence == "The numbers."


@pytest.mark.parametrize("stage", TABLE)
def test_the_page_and_its_frames_offer_each_role_what_the_table_says(stage):
    deployment = brought_to(stage, cast.person(None, "author"))
    assert set(frames.actions(deployment)) == set(TABLE[stage])
    for role, duties in DUTIES.items():
        browser = cast.sign_in(cast.person(cast.Role(role)))
        shown, hidden = _buttons(browser, deployment)
        possible = (set(TABLE[stage]) & duties) - IN_THE_WIZARD
        if stage == "draft":
            # A draft goes on in the wizard; "Continue" leads there.
            possible -= {"edit"}
            hidden |= {"edit"} & duties
        assert shown == possible
        assert shown | hidden == duties - IN_THE_WIZARD


def _buttons(browser, deployment) -> tuple[set[str], set[str]]:
    """The actions that the page offers, and those it has ready for another stage."""
    page = reverse("admin:deployments_deployment_page", args=[deployment.pk])
    text = browser.get(page).content.decode()
    tags = re.findall(r'<(?:a|form)\b[^>]*data-action="(\w+)"([^>]*)>', text)
    hidden = {action for action, rest in tags if re.search(r"\bhidden\b", rest)}
    # What makes a new draft moves this deployment nowhere: the table does not have it.
    return {action for action, _ in tags} - hidden - {frames.AGAIN}, hidden - {frames.AGAIN}


@pytest.mark.parametrize(
    ("go", "action"), [("ready", "submit"), ("ask", "ask_approval"), ("start", "start")]
)
@pytest.mark.parametrize("role", DUTIES)
def test_the_wizard_freezes_a_plan_as_the_table_says(go, action, role):
    draft, before = brought_to("draft"), _everything()
    browser = cast.sign_in(cast.person(cast.Role(role)))
    url = reverse("admin:deployments_deployment_step", args=[draft.pk, 5])
    plan = submitting.preview(draft, now=plant.NOON).digest
    response = browser.post(url, {"go": go, "edits": draft.edits, "plan": plan})
    if action not in DUTIES[role]:
        assert response.status_code == 403
        assert _everything() == before
        return
    way = ["draft", *([TABLE["draft"]["submit"]] if go == "start" else [])]
    to = TABLE[way[-1]][action]
    assert Deployment.objects.get(pk=draft.pk).stage == to
    lines = list(Event.objects.order_by("pk"))
    assert [(line.from_stage, line.to_stage) for line in lines] == list(
        itertools.pairwise([*way, to])
    )
    assert {line.actor.username for line in lines} == {role}


def test_the_live_frame_offers_what_the_page_does():
    deployment = brought_to("gate canary")
    frame = frames.snapshot(deployment.pk, [], now=plant.NOON)
    assert set(frame["deployment"]["actions"]) == set(TABLE["gate canary"])


def test_the_documentation_has_the_same_table():
    page = Path(__file__).resolve().parents[2] / "docs" / "first-deployment.md"
    _, _, rest = page.read_text(encoding="utf-8").partition("<!-- stages -->")
    lines = [line for line in rest.partition("<!-- /stages -->")[0].splitlines() if "|" in line]
    told = [{word.strip() for word in line.split("|")[3].split(",")} for line in lines[2:]]
    expected = [{VERBS[Action(action)].words for action in row} for row in TABLE.values()]
    assert told == expected


def test_nothing_is_done_to_a_deleted_deployment():
    deployment = brought_to("completed")
    Deployment.objects.filter(pk=deployment.pk).update(hidden_at=plant.NOON)
    before = _everything()
    browser = cast.sign_in(cast.admin())
    assert frames.actions(Deployment.objects.get(pk=deployment.pk)) == []
    for action in sorted(TABLE["completed"]):
        _post(browser, deployment, action)
    assert _everything() == before


@pytest.mark.parametrize(
    ("stage", "action", "sentence"),
    [
        ("rolling", "delete", "is rolling out: Delete is possible while it is draft or completed"),
        ("draft", "start", "is draft: Start is possible while it is ready to start"),
        (
            "gate batch",
            "promote_canary",
            "is waiting for approve batch: Promote Canary is possible while it is waiting for pro",
        ),
    ],
)
def test_a_refusal_says_how_it_stands_and_when_it_is_possible(stage, action, sentence):
    deployment = brought_to(stage)
    response = _post(cast.sign_in(cast.operator()), deployment, action)
    [message] = _said(response)
    assert message.startswith(f"Rollout {sentence}")
