"""Somebody else has to look first: asking, approving, denying, and who may not."""

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from deployments import approval, drafting, moves, submitting
from deployments.models import ApprovalRule, Deployment
from tests import cast
from tests.deployments import plant
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db


def refused(match: str):
    return pytest.raises(moves.MoveRefusedError, match=match)


def a_rule(name: str = "Everything", **asks: object) -> ApprovalRule:
    """A rule in force; for every deployment unless it asks for something."""
    asks = asks or {"more_than": 0}
    return ApprovalRule.objects.create(name=name, created_at=NOON, updated_at=NOON, **asks)


def submit(draft: Deployment, actor: User | None = None, **how: object) -> None:
    submitting.submit(draft, actor=actor, now=NOON, **how)


def a_waiting_deployment(actor: User | None = None, *, devices: int = 2) -> Deployment:
    """One whose author asked for approval."""
    draft = plant.a_draft([plant.a_device() for _ in range(devices)])
    submit(draft, actor, ask_approval=True)
    return draft


def approve(deployment: Deployment, actor: User | None = None, **how: object) -> None:
    moves.approve(deployment, actor=actor, now=NOON, **how)


def told(deployment: Deployment) -> list[str]:
    """The lines of history about moves, oldest first."""
    return list(deployment.events.order_by("pk").values_list("sentence", flat=True))


def test_without_a_wish_or_a_rule_nobody_is_asked():
    deployment = plant.a_ready_deployment([plant.a_device()])
    assert (deployment.stage, approval.is_needed(deployment)) == ("ready", False)
    with refused("is ready to start: Approve is possible while it is waiting for approval"):
        approve(deployment)
    moves.start(deployment, actor=None, now=NOON)


def test_an_author_asks_for_approval_gets_it_and_the_deployment_starts():
    author, approver = cast.operator(), cast.admin()
    deployment = a_waiting_deployment(author)
    assert (deployment.stage, deployment.status) == ("awaiting_approval", "pending")
    with refused("is waiting for approval: Start is possible while it is ready to start"):
        moves.start(deployment, actor=author, now=NOON)
    approve(deployment, approver, reason="Line 4 stands still tonight")
    deployment.refresh_from_db()
    assert deployment.stage == "ready"
    assert (deployment.approved_by, deployment.approved_at) == (approver, NOON)
    assert deployment.approved_digest == deployment.plan_digest != ""
    newest = deployment.events.first()
    assert (newest.sentence, newest.actor, newest.reason) == (
        "Approved.",
        approver,
        "Line 4 stands still tonight",
    )
    moves.start(deployment, actor=author, now=NOON)
    assert deployment.stage == "rolling"


@pytest.mark.parametrize(
    ("asked", "rule", "sentence"),
    [
        pytest.param(False, False, "Made ready for 2 devices.", id="nobody"),
        pytest.param(
            True,
            False,
            "Made for 2 devices, and waits for approval. Its author asks for it.",
            id="the author",
        ),
        pytest.param(
            False,
            True,
            "Made for 2 devices, and waits for approval. Rule “Pairs”: more than 1 device.",
            id="a rule",
        ),
        pytest.param(
            True,
            True,
            "Made for 2 devices, and waits for approval. Rule “Pairs”: more than 1 device.",
            id="both",
        ),
    ],
)
def test_the_history_says_who_wants_the_approval(asked, rule, sentence):
    if rule:
        a_rule("Pairs", more_than=1)
    draft = plant.a_draft([plant.a_device() for _ in range(2)])
    submit(draft, ask_approval=asked)
    draft.refresh_from_db()
    waits = asked or rule
    assert draft.stage == ("awaiting_approval" if waits else "ready")
    assert approval.is_needed(draft) == waits
    assert draft.asks_approval == asked
    assert draft.approval_reasons == (["Rule “Pairs”: more than 1 device."] if rule else [])
    assert told(draft) == [sentence]


def test_who_does_not_fit_is_told_beside_the_reason():
    draft = plant.a_draft([plant.a_device(), plant.a_device(memory="1Ki")])
    submit(draft, ask_approval=True)
    (line,) = told(draft)
    assert line == (
        "Made for 2 devices, and waits for approval. 1 of them does not fit and is skipped. "
        "Its author asks for it."
    )


def test_a_denied_deployment_is_over_with_the_remark_and_touched_nobody():
    approver = cast.admin()
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(3600), actor=None, now=NOON)
    moves.deny(deployment, actor=approver, now=NOON, reason="Not in the harvest")
    deployment.refresh_from_db()
    assert (deployment.stage, deployment.status) == ("cancelled", "removed")
    assert (deployment.ended_at, deployment.start_at, deployment.due_at) == (NOON, None, None)
    assert plant.states_of(deployment) == {"cancelled": 2}
    newest = deployment.events.first()
    assert (newest.sentence, newest.actor, newest.reason) == (
        "Denied.",
        approver,
        "Not in the harvest",
    )


def test_one_that_waits_can_be_cancelled_with_a_remark_by_its_author():
    author = cast.operator()
    deployment = a_waiting_deployment(author)
    moves.cancel(deployment, actor=author, now=NOON, reason="A better version came")
    newest = deployment.events.first()
    assert (deployment.stage, newest.actor, newest.reason) == (
        "cancelled",
        author,
        "A better version came",
    )


@pytest.mark.parametrize("first", ["approve", "deny"])
@pytest.mark.parametrize("second", ["approve", "deny"])
def test_of_two_decisions_the_first_stands_and_is_the_only_event(first, second):
    deployment = a_waiting_deployment()
    getattr(moves, first)(deployment, actor=None, now=NOON)
    before = told(deployment)
    with refused("is possible while it is waiting for approval"):
        getattr(moves, second)(deployment, actor=None, now=NOON)
    deployment.refresh_from_db()
    assert told(deployment) == before
    assert deployment.stage == ("ready" if first == "approve" else "cancelled")


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_a_decision_about_another_plan_than_the_one_that_is_there_is_refused(decision):
    deployment = a_waiting_deployment()
    seen = deployment.plan_digest
    drafting_again(deployment, max_failures=1)
    with refused("was changed since it was shown: look again"):
        getattr(moves, decision)(deployment, actor=None, now=NOON, plan_digest=seen)
    getattr(moves, decision)(deployment, actor=None, now=NOON, plan_digest=deployment.plan_digest)


def drafting_again(deployment: Deployment, actor: User | None = None, **rules: object) -> None:
    """Opened, given other rules, and submitted with the wish for approval."""
    moves.reopen(deployment, actor=actor, now=NOON)
    drafting.set_rollout(deployment, rules, actor=actor, now=NOON)
    submit(deployment, actor, ask_approval=True)


AUTHORED = {
    "create": lambda draft, who: None,
    "application": lambda draft, who: drafting.choose_application(
        draft, version=draft.version, profile_id="compose", name="", actor=who, now=NOON
    ),
    "devices": lambda draft, who: drafting.choose_devices(
        draft, draft.targeting, actor=who, now=NOON
    ),
    "parameters": lambda draft, who: drafting.set_parameters(
        draft, {"speed": 20}, actor=who, now=NOON
    ),
    "rollout": lambda draft, who: drafting.set_rollout(draft, {}, actor=who, now=NOON),
}


@pytest.mark.parametrize("part", [*AUTHORED, "submit"])
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_whoever_had_a_part_in_it_cannot_decide_also_not_an_admin(part, decision):
    somebody, admin, other = cast.operator(), cast.admin(), cast.person(Role.ADMIN, "other")
    by = {name: admin if name == part else somebody for name in [*AUTHORED, "submit"]}
    draft = drafting.create(
        version=plant.a_version(),
        profile_id="compose",
        name="Rollout",
        actor=by["create"],
        now=NOON,
        targeting={"ids": [plant.a_device().pk]},
    )
    for name, do in AUTHORED.items():
        do(draft, by[name])
    submit(draft, by["submit"], ask_approval=True)
    draft.refresh_from_db()
    assert sorted(draft.authors) == sorted([somebody.pk, admin.pk])
    for author in (somebody, admin):
        with refused("You are an author of Rollout: somebody else has to decide about it"):
            getattr(moves, decision)(draft, actor=author, now=NOON)
    assert draft.events.count() == 1
    getattr(moves, decision)(draft, actor=other, now=NOON)


def test_an_author_may_approve_where_the_setting_says_so(settings: Settings):
    admin = cast.admin()
    deployment = a_waiting_deployment(admin)
    settings.AUTHOR_MAY_APPROVE = True
    approve(deployment, admin)
    assert (deployment.stage, deployment.approved_by) == ("ready", admin)


def test_who_opens_it_again_is_the_author_and_who_was_it_before_may_approve():
    before, now = cast.admin(), cast.person(Role.ADMIN, "other")
    deployment = a_waiting_deployment(before)
    drafting_again(deployment, now)
    with refused("You are an author"):
        approve(deployment, now)
    approve(deployment, before)


def test_looking_at_a_draft_makes_nobody_an_author():
    admin = cast.admin()
    draft = plant.a_draft([plant.a_device()])
    moves.reopen(draft, actor=admin, now=NOON)
    submitting.preview(draft, now=NOON)
    submit(draft, ask_approval=True)
    approve(draft, admin)


def test_a_refused_step_makes_nobody_an_author():
    admin = cast.admin()
    draft = plant.a_draft([plant.a_device()])
    with pytest.raises(drafting.ParameterError):
        drafting.set_parameters(draft, {"speed": 1000}, actor=admin, now=NOON)
    stale = Deployment.objects.get(pk=draft.pk)
    drafting.set_rollout(draft, {}, actor=None, now=NOON)
    with refused("changed in another window"):
        drafting.set_rollout(stale, {}, actor=admin, now=NOON)
    draft.refresh_from_db()
    assert draft.authors == []


def test_author_and_approver_may_be_gone_when_it_starts():
    author, approver = cast.operator(), cast.admin()
    deployment = a_waiting_deployment(author)
    approve(deployment, approver)
    author.delete()
    approver.delete()
    deployment.refresh_from_db()
    assert deployment.approved_by is None
    moves.start(deployment, actor=None, now=NOON)
