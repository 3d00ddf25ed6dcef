"""Somebody else has to look first: asking, approving, denying, and what exactly was approved."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from deployments import approval, drafting, moves, submitting
from deployments.models import ApprovalRule, Deployment, Instance
from devices.models import Device
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
            "Made for 2 devices, and waits for approval. Its author asks for it. "
            "Rule “Pairs”: more than 1 device.",
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
        "Made for 2 devices, and waits for approval. 1 of them do not fit and are skipped. "
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


def _other_device(deployment: Deployment) -> None:
    last = Instance.objects.filter(deployment=deployment).order_by("-position")[:1]
    Instance.objects.filter(pk__in=last.values("pk")).update(device=plant.a_device())


def _one_less(deployment: Deployment) -> None:
    Instance.objects.get(deployment=deployment, position=2).delete()


def _one_more(deployment: Deployment) -> None:
    row = Instance.objects.filter(deployment=deployment).order_by("-position")[0]
    row.pk, row.position, row.device = None, row.position + 1, plant.a_device()
    row.save(force_insert=True)


def _other_order(deployment: Deployment) -> None:
    Instance.objects.filter(deployment=deployment, position=1).update(position=9)


def _write(**values: object):
    return lambda deployment: Deployment.objects.filter(pk=deployment.pk).update(**values)


def _other_version(deployment: Deployment) -> None:
    _write(version=plant.a_version("2.0.0"))(deployment)


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(_other_version, id="version"),
        pytest.param(_write(profile_id="helm"), id="profile"),
        pytest.param(_write(resolved={"speed": {"value": 99}}), id="parameters"),
        pytest.param(_write(content="sha256:0"), id="content"),
        pytest.param(_write(strategy={"max_failures": 100}), id="strategy"),
        pytest.param(_other_device, id="another device"),
        pytest.param(_one_less, id="a device less"),
        pytest.param(_one_more, id="a device more"),
        pytest.param(_other_order, id="another order"),
        pytest.param(_write(approved_digest=""), id="never approved"),
    ],
)
@pytest.mark.parametrize("stale", [False, True], ids=["read anew", "read before"])
def test_what_is_not_exactly_what_was_approved_does_not_start(tamper, stale):
    deployment = a_waiting_deployment(devices=3)
    approve(deployment)
    tamper(deployment)
    if not stale:
        deployment = Deployment.objects.get(pk=deployment.pk)
    elif tamper.__name__ == "<lambda>" and not Deployment.objects.get().approved_digest:
        deployment.approved_digest = ""
    with refused("Rollout is not what was approved: edit it and ask again"):
        moves.start(deployment, actor=None, now=NOON)
    assert Deployment.objects.get().stage == "ready"
    assert not Instance.objects.filter(holds=True).exists()


def test_what_was_never_sealed_cannot_be_approved_into_starting():
    deployment = a_waiting_deployment()
    Deployment.objects.update(plan_digest="")
    deployment.refresh_from_db()
    approve(deployment)
    with refused("is not what was approved"):
        moves.start(deployment, actor=None, now=NOON)


def test_a_number_that_the_database_writes_in_its_own_way_is_what_was_approved():
    value = {"value": 1e16, "targets": [{"pointer": "SPEED", "components": ["controller"]}]}
    schemas = {"turns": {"name": "turns", "dataType": "double"}}
    version = plant.a_version(parameters={"speed": value}, schemas=schemas)
    draft = plant.a_draft([plant.a_device()], version)
    submit(draft, ask_approval=True)
    approve(draft)
    deployment = Deployment.objects.get()
    assert float(deployment.resolved["speed"]["value"]) == 1e16
    moves.start(deployment, actor=None, now=NOON)


def test_a_device_whose_labels_change_is_still_what_was_approved():
    deployment = a_waiting_deployment()
    approve(deployment)
    Device.objects.update(assigned_labels={"line": ["9"]}, vendor="Southwind")
    moves.start(Deployment.objects.get(), actor=None, now=NOON)


def test_editing_gives_the_approval_up_and_a_rule_asks_again():
    rule = a_rule()
    draft = plant.a_draft([plant.a_device()])
    submit(draft)
    approve(draft, cast.admin())
    moves.reopen(draft, actor=None, now=NOON)
    draft.refresh_from_db()
    given_up = {name: getattr(draft, name) for name in approval.NONE_YET}
    assert given_up == approval.NONE_YET
    submit(draft)
    assert (draft.stage, draft.approved_digest, draft.approved_by) == (
        "awaiting_approval",
        "",
        None,
    )
    with refused("Start is possible while"):
        moves.start(draft, actor=None, now=NOON)
    moves.reopen(draft, actor=None, now=NOON)
    rule.delete()
    submit(draft)
    assert draft.stage == "ready"


def test_an_approval_is_not_carried_over_to_the_same_plan_submitted_again():
    deployment = a_waiting_deployment()
    approve(deployment)
    approved = deployment.approved_digest
    moves.reopen(deployment, actor=None, now=NOON)
    submit(deployment, ask_approval=True)
    assert (deployment.plan_digest, deployment.approved_digest) == (approved, "")


def test_rules_are_asked_at_submit_whatever_the_preview_said():
    draft = plant.a_draft([plant.a_device()])
    shown = submitting.preview(draft, now=NOON)
    assert shown.approval == []
    rule = a_rule()
    submit(draft, plan_digest=shown.digest)
    assert draft.stage == "awaiting_approval"
    rule.delete()
    assert Deployment.objects.get().approval_reasons == ["Rule “Everything”: more than 0 devices."]
    moves.reopen(draft, actor=None, now=NOON)
    rule = a_rule()
    shown = submitting.preview(draft, now=NOON)
    assert shown.approval == ["Rule “Everything”: more than 0 devices."]
    rule.delete()
    submit(draft, plan_digest=shown.digest)
    assert draft.stage == "ready"


def test_a_rule_made_after_the_submit_stops_nothing():
    deployment = plant.a_ready_deployment([plant.a_device()])
    a_rule()
    moves.start(deployment, actor=None, now=NOON)


def test_a_plan_with_problems_is_refused_with_them_whoever_asks():
    a_rule()
    with refused("No device is chosen"):
        submit(plant.a_draft([]), ask_approval=True)
    assert Deployment.objects.get().stage == "draft"


def test_one_that_waits_for_approval_blocks_nobody():
    device, version = plant.a_device(), plant.a_version()
    draft = plant.a_draft([device], version)
    submit(draft, ask_approval=True)
    plant.a_rollout([device], version)
    approve(draft)
    with refused("Rollout is changing Mixer"):
        moves.start(draft, actor=None, now=NOON)


def test_approved_in_time_it_starts_at_its_time():
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    approve(deployment)
    assert (deployment.start_at, deployment.due_at) == (after(600), after(600))
    assert plant.tick(deployment, after(599)) == []
    plant.tick(deployment, after(600))
    assert deployment.stage == "rolling"


@pytest.mark.parametrize("late", [600, 700])
def test_approved_late_it_waits_for_a_person(late):
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    assert plant.tick(deployment, after(601)) == []
    assert deployment.stage == "awaiting_approval"
    moves.approve(deployment, actor=None, now=after(late))
    deployment.refresh_from_db()
    assert (deployment.stage, deployment.start_at, deployment.due_at) == ("ready", None, None)
    assert told(deployment)[-1] == (
        "Approved. The time to start is over: somebody has to start it."
    )
    assert plant.tick(deployment, after(2000)) == []
    moves.start(deployment, actor=None, now=after(2000))


def test_the_engine_does_not_start_what_is_not_what_was_approved():
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    approve(deployment)
    Deployment.objects.update(strategy={"max_failures": 100})
    plant.tick(deployment, after(600))
    assert (deployment.stage, deployment.start_at) == ("ready", None)
    assert told(deployment)[-1] == (
        "Could not start at the time that was set. "
        "Rollout is not what was approved: edit it and ask again."
    )


def test_editing_takes_the_time_to_start_back():
    deployment = a_waiting_deployment()
    moves.schedule(deployment, after(600), actor=None, now=NOON)
    approve(deployment)
    moves.reopen(deployment, actor=None, now=NOON)
    submit(deployment)
    assert plant.tick(deployment, after(600)) == []
    assert deployment.stage == "ready"


def test_a_submit_asks_the_database_as_often_for_3_devices_as_for_30():
    a_rule("Labels", labels="line=4")
    counts = []
    for size in (3, 30):
        draft = plant.a_draft([plant.a_device(line=4) for _ in range(size)])
        draft = Deployment.objects.select_related("version__application").get(pk=draft.pk)
        with CaptureQueriesContext(connection) as captured:
            submit(draft)
        counts.append(len(captured))
        Deployment.objects.all().delete()
        draft.version.delete()
    assert counts[0] == counts[1]


def test_who_began_a_draft_before_there_were_authors_is_its_author():
    person = cast.operator()
    draft = plant.a_draft([plant.a_device()])
    Deployment.objects.update(created_by=person)
    migration = import_module("deployments.migrations.0003_approval_rules_name_something")
    migration.note_authors(apps, None)
    draft.refresh_from_db()
    assert draft.authors == [person.pk]
