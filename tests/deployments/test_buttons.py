"""The buttons of a deployment's page: whose, in which order, and about what was shown."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts.models import User
from deployments import moves, submitting
from deployments.buttons import IN_THE_WIZARD
from deployments.models import Deployment, Event
from deployments.states import VERBS, Action, Stage, allowed
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db

#: Where an action of the stage has nothing to do, and so no button.
IDLE = {"completed": {Action.RETRY_FAILED}, "rolled back": {Action.RETRY_FAILED}}
#: Everything is still on its way there: nothing has failed to be put back.
IDLE["rolling back"] = {Action.RETRY_FAILED}
#: The button that stands out, where one step is likelier than the others.
LIKELY = {
    "awaiting approval": ["approve"],
    "ready": ["start"],
    "at the canary's gate": ["promote_canary"],
    "at a batch's gate": ["approve_batch"],
    "held": ["retry_failed"],
    "paused": ["resume"],
    "completed with failures": ["retry_failed"],
    "rolled back with failures": ["retry_failed"],
}


def page_url(deployment: Deployment) -> str:
    return reverse("admin:deployments_deployment_page", args=[deployment.pk])


def action_url(deployment: Deployment, action: Action) -> str:
    return reverse("admin:deployments_deployment_action", args=[deployment.pk, action.value])


def offered(browser, deployment: Deployment) -> list:
    buttons = browser.get(page_url(deployment)).context["buttons"]
    return [button for button in buttons if button.available]


def press(browser, deployment: Deployment, action: Action, **posted: object) -> str:
    """Presses the button; answers what the person is told."""
    answer = browser.post(action_url(deployment, action), posted)
    deployment.refresh_from_db()
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize(
    "who", [cast.viewer, cast.operator, cast.admin], ids=lambda one: one.__name__
)
def test_buttons_are_those_of_the_stage_and_gate_that_the_person_may_press(who):
    person = who()
    browser = cast.sign_in(person)
    for name, deployment in stages.in_each_stage().items():
        expected = {
            action.value
            for action in allowed(Stage(deployment.stage), deployment.gate_kind)
            if action not in IN_THE_WIZARD | IDLE.get(name, set())
            and person.has_perm(VERBS[action].permission)
        }
        assert {button.action for button in offered(browser, deployment)} == expected, name


def test_the_likely_next_step_comes_first_and_is_the_only_primary_one():
    browser = cast.sign_in(cast.admin())
    for name, deployment in stages.in_each_stage().items():
        shown = offered(browser, deployment)
        primary = [one.action for one in shown if one.css == "button-primary"]
        assert primary == LIKELY.get(name, []), name
        assert not primary or shown[0].action == primary[0], name


def test_the_likely_next_step_follows_live_as_the_stage_does():
    rollout = stages.held(plant.a_version())
    browser = cast.sign_in(cast.operator())
    live = reverse("admin:deployments_deployment_live", args=[rollout.pk])
    assert browser.get(live).json()["deployment"]["primary"] == "retry_failed"
    moves.resume(rollout, actor=None, now=plant.NOON)
    moves.pause(rollout, actor=None, now=plant.NOON)
    assert browser.get(live).json()["deployment"]["primary"] == "resume"


def test_the_button_of_a_gate_stands_beside_the_sentence_about_it():
    browser = cast.sign_in(cast.operator())
    text = browser.get(page_url(stages.at_canary_gate(plant.a_version()))).content.decode()
    head, row = text.split('class="outlook-row"')
    assert ">Promote Canary</button>" not in head
    assert ">Promote Canary</button>" in row.split('aria-labelledby="progress-title"')[0]


@pytest.mark.parametrize("action", list(Action), ids=str)
def test_what_the_stage_does_not_allow_is_refused_with_a_sentence(action):
    browser = cast.sign_in(cast.admin())
    for deployment in stages.in_each_stage().values():
        before = deployment.stage
        if action in allowed(Stage(before), deployment.gate_kind):
            continue
        for ask in (browser.get, browser.post):
            text = ask(action_url(deployment, action), follow=True).content.decode()
            assert "is possible while it is" in text
        deployment.refresh_from_db()
        assert deployment.stage == before


def test_a_batch_is_approved_at_the_gate_that_was_shown():
    rollout = stages.at_batch_gate(plant.a_version())
    browser = cast.sign_in(cast.operator())
    text = browser.get(page_url(rollout)).content.decode()
    assert 'name="gate_batch"' in " ".join(text.split())
    (button,) = [one for one in offered(browser, rollout) if one.action == "approve_batch"]
    assert dict(button.shown) == {"gate_batch": str(rollout.gate_batch)}
    said = press(browser, rollout, Action.APPROVE_BATCH, **dict(button.shown))
    assert "goes on with the next batch" in said
    assert rollout.stage == "rolling"


@pytest.mark.parametrize("shown", ["1", "3", "", "x", "-2"])
def test_a_page_that_shows_another_gate_cannot_open_this_one(shown):
    rollout = stages.at_batch_gate(plant.a_version())
    assert rollout.gate_batch == 2
    said = press(cast.sign_in(cast.operator()), rollout, Action.APPROVE_BATCH, gate_batch=shown)
    assert "waits at another gate now than the one that was shown" in said
    assert rollout.stage == "gate"


def test_a_page_that_shows_an_older_plan_cannot_start_the_new_one():
    deployment = plant.a_ready_deployment([plant.a_device()])
    browser = cast.sign_in(cast.operator())
    shown = deployment.edits
    moves.reopen(deployment, actor=None, now=plant.NOON)
    submitting.submit(deployment, actor=None, now=plant.NOON)
    press(browser, deployment, Action.START, edits=shown)
    assert deployment.stage == "ready"
    press(browser, deployment, Action.START, edits=deployment.edits)
    assert deployment.stage == "rolling"


@pytest.mark.parametrize(
    ("action", "leads_to"), [(Action.APPROVE, "ready"), (Action.DENY, "cancelled")]
)
def test_approved_or_denied_is_the_plan_that_was_shown(action, leads_to):
    waiting = stages.awaiting_approval(plant.a_version())
    browser = cast.sign_in(cast.admin())
    (button,) = [one for one in offered(browser, waiting) if one.action == action]
    assert dict(button.shown) == {"plan": waiting.plan_digest}
    asked = browser.get(action_url(waiting, action), dict(button.shown)).content.decode()
    assert f'value="{waiting.plan_digest}"' in asked
    assert "was changed since it was shown" in press(browser, waiting, action, plan="older")
    assert waiting.stage == "awaiting_approval"
    press(browser, waiting, action, plan=waiting.plan_digest, reason="seen by the line lead")
    assert waiting.stage == leads_to
    assert Event.objects.first().reason == "seen by the line lead"


def test_a_page_of_an_older_plan_does_not_even_ask_about_the_new_one():
    waiting = stages.awaiting_approval(plant.a_version())
    browser = cast.sign_in(cast.admin())
    answer = browser.get(action_url(waiting, Action.APPROVE), {"plan": "older"}, follow=True)
    assert "was changed since it was shown" in answer.content.decode()


@pytest.mark.parametrize("may", [True, False])
def test_an_author_gets_no_buttons_to_decide_about_it(settings, may):
    settings.AUTHOR_MAY_APPROVE = may
    author = cast.admin()
    waiting = waiting_for_approval_of(author)
    actions = {button.action for button in offered(cast.sign_in(author), waiting)}
    assert ({"approve", "deny"} <= actions) is may
    other = cast.sign_in(cast.person(cast.Role.ADMIN, "another"))
    assert {"approve", "deny"} <= {button.action for button in offered(other, waiting)}


def waiting_for_approval_of(author: User) -> Deployment:
    made = plant.a_draft([plant.a_device()])
    submitting.submit(made, actor=author, now=plant.NOON, ask_approval=True)
    return made


def test_a_draft_can_be_sent_for_approval_by_its_address_too():
    made = plant.a_draft([plant.a_device()])
    press(cast.sign_in(cast.operator()), made, Action.ASK_APPROVAL)
    assert made.stage == "awaiting_approval"


def test_a_deleted_deployment_has_no_button():
    rollout = stages.completed_with_failures(plant.a_version())
    browser = cast.sign_in(cast.operator())
    assert offered(browser, rollout)
    moves.delete(rollout, actor=None, now=plant.NOON)
    assert offered(browser, rollout) == []
