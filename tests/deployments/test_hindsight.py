"""What approval rules would have caught in the last 30 days: the same that they do catch."""

from datetime import timedelta
from itertools import count, product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from applications.models import Application
from deployments import approval, hindsight, moves, submitting
from deployments.models import ApprovalRule, Deployment
from tests import cast
from tests.deployments import plant
from tests.deployments.plant import NOON

pytestmark = pytest.mark.django_db
LIST = "admin:deployments_approvalrule_changelist"
_number = count(1)


def a_rule(name: str = "", **asks: object) -> ApprovalRule:
    return ApprovalRule.objects.create(
        name=name or f"Rule {next(_number)}", created_at=NOON, updated_at=NOON, **asks
    )


def a_plan() -> Deployment:
    """Mixer for three devices that fit, one of them in line 4, and one in line 5 that does not."""
    chosen = [plant.a_device(), plant.a_device(line=4), plant.a_device(line=3)]
    return plant.a_draft([*chosen, plant.a_device(memory="1Ki", line=5)])


def names(rule: ApprovalRule, now=NOON) -> list[str]:
    return [one.name for one in hindsight.look_back([rule], now)[rule.pk].deployments]


ASKED = [
    {"application": application, "more_than": more, "labels": labels, "enabled": enabled}
    for application, more, labels, enabled in product(
        (None, "mixer", "pump"),
        (None, 0, 2, 3),
        ("", "line=4", "line=5", "line in (4, 5)", "!line", "line=9", "line="),
        (True, False),
    )
    if application or more is not None or labels
]


def test_it_catches_what_a_submit_would_have_caught():
    plant.a_version(app_id="pump")
    draft = a_plan()
    applications = {one.app_id: one for one in Application.objects.all()}
    rules = [
        a_rule(**{**asks, "application": applications.get(asks["application"])}) for asks in ASKED
    ]
    ApprovalRule.objects.update(enabled=True)
    reasons = submitting.preview(draft, now=NOON).approval
    caught = {rule.pk for rule in rules if any(f"“{rule.name}”" in one for one in reasons)}
    assert 20 < len(caught) < len(rules) - 20

    ApprovalRule.objects.update(enabled=False)
    submitting.submit(draft, actor=None, now=NOON)
    found = hindsight.look_back(rules, NOON)
    assert {pk for pk, one in found.items() if one.number} == caught
    assert {one.of for one in found.values()} == {1}


def test_it_finds_the_same_when_the_rollout_has_gone_on():
    """One device runs it already and is skipped, one has it put back, one never got it."""
    version = plant.a_version()
    ready, other, last = plant.a_device(line=4), plant.a_device(line=5), plant.a_device(line=6)
    small = plant.a_device(memory="1Ki", line=7)
    plant.a_rollout([ready], version)
    plant.install(ready)
    Deployment.objects.update(name="First")
    plant.tick(Deployment.objects.get())
    again = plant.a_rollout(
        [ready, other, last, small], version, kind="rolling", batch_by="size", batch_size=2
    )
    Deployment.objects.filter(pk=again.pk).update(name="Second")
    plant.install(other)
    plant.tick(again)
    moves.roll_back(again, actor=None, now=NOON)
    for _ in range(3):
        plant.tick(again)
    assert plant.states_of(again)["skipped"] == 2
    assert names(a_rule(more_than=2)) == ["Second"]
    assert names(a_rule(more_than=3)) == []
    assert names(a_rule(labels="line=4")) == ["Second", "First"]
    assert names(a_rule(labels="line=5")) == ["Second"]
    assert names(a_rule(labels="line=6")) == ["Second"]
    assert names(a_rule(labels="line=7")) == []


def test_cancelled_and_deleted_ones_were_submitted_too():
    made = plant.a_ready_deployment([plant.a_device()])
    moves.cancel(made, actor=None, now=NOON)
    moves.delete(made, actor=None, now=NOON)
    assert names(a_rule(more_than=0)) == ["Rollout"]


def test_what_is_a_draft_again_has_no_targets_to_ask():
    made = plant.a_ready_deployment([plant.a_device()])
    moves.reopen(made, actor=None, now=NOON)
    plant.a_draft([plant.a_device()], made.version)
    found = hindsight.look_back([rule := a_rule(more_than=0)], NOON)
    assert (found[rule.pk].number, found[rule.pk].of) == (0, 0)


@pytest.mark.parametrize(
    ("days", "started_after", "expected"),
    [
        pytest.param(30, None, 1, id="exactly 30 days"),
        pytest.param(30.01, None, 0, id="longer ago"),
        pytest.param(40, 20, 1, id="submitted long ago, started lately"),
        pytest.param(40, 5, 0, id="both long ago"),
    ],
)
def test_it_looks_30_days_back(days, started_after, expected):
    made = plant.a_ready_deployment([plant.a_device()])
    if started_after is not None:
        moves.start(made, actor=None, now=NOON + timedelta(days=started_after))
    rule = a_rule(more_than=0)
    assert len(names(rule, NOON + timedelta(days=days))) == expected


def test_an_update_does_not_make_it_younger():
    made = plant.a_ready_deployment([plant.a_device()])
    later = NOON + timedelta(days=31)
    Deployment.objects.filter(pk=made.pk).update(updated_at=later)
    assert names(a_rule(more_than=0), later) == []


def test_of_very_many_the_newest_are_looked_at(monkeypatch):
    monkeypatch.setattr(hindsight, "MOST", 2)
    version = plant.a_version()
    for minute in (3, 1, 2):
        draft = plant.a_draft([plant.a_device()], version)
        Deployment.objects.filter(pk=draft.pk).update(name=f"M{minute}")
        submitting.submit(draft, actor=None, now=NOON + timedelta(minutes=minute))
    rule = a_rule(more_than=0)
    assert names(rule) == ["M3", "M2"]
    assert hindsight.look_back([rule], NOON)[rule.pk].among == "the newest 2 deployments"


def test_no_rules_cost_nothing_and_thirty_with_labels_six_statements_more():
    for _ in range(3):
        a_plan_submitted()
    assert cost([]) == 0
    plain = cost([a_rule(more_than=number) for number in range(30)])
    labelled = [a_rule(labels=f"line={number}") for number in range(30)]
    assert (plain, cost(labelled)) == (2, 8)
    for _ in range(7):
        a_plan_submitted()
    assert cost(labelled) == 8


def a_plan_submitted() -> Deployment:
    chosen = [plant.a_device(line=4), plant.a_device(memory="1Ki")]
    return plant.a_ready_deployment(chosen, plant.a_version(app_id=f"app-{next(_number)}"))


def cost(rules: list[ApprovalRule]) -> int:
    with CaptureQueriesContext(connection) as captured:
        hindsight.look_back(rules, NOON)
    return len(captured)


def test_an_unreadable_label_expression_counts_as_it_does_at_submit():
    rule = a_rule(labels="line=")
    assert approval.wanted_of(rule) is None
    plant.a_ready_deployment([plant.a_device()])
    assert names(rule) == ["Rollout"]


# The pages


@pytest.fixture
def admin(db):
    return cast.sign_in(cast.admin())


def lately(number: int, line: int) -> None:
    """So many deployments for a device of this line, submitted today."""
    version, device = plant.a_version(app_id=f"app-{line}"), plant.a_device(line=line)
    for index in range(number):
        draft = plant.a_draft([device], version)
        Deployment.objects.filter(pk=draft.pk).update(name=f"Line {line} no. {index}")
        submitting.submit(draft, actor=None, now=timezone.now())


def page(admin, rule: ApprovalRule) -> str:
    address = reverse("admin:deployments_approvalrule_change", args=[rule.pk])
    return " ".join(admin.get(address).content.decode().split())


def test_the_page_of_a_rule_says_what_it_would_have_caught_and_names_the_newest(admin):
    lately(7, line=4)
    lately(3, line=5)
    text = page(admin, a_rule(labels="line=4", enabled=False))
    assert "<strong>7 of 10 deployments</strong> of the last 30 days" in text
    assert "Devices are asked for the labels that they have now." in text
    newest = Deployment.objects.get(name="Line 4 no. 6")
    assert f'<a href="/deployments/deployment/{newest.pk}/">Line 4 no. 6</a>' in text.replace(
        "/change/", "/"
    )
    assert "Line 4 no. 2<" in text
    assert "Line 4 no. 1<" not in text
    assert "These are the newest 5." in text


def test_a_rule_that_would_have_caught_none_says_so(admin):
    lately(1, line=4)
    text = page(admin, a_rule(labels="line=9"))
    assert "<strong>0 of 1 deployment</strong>" in text
    assert "newest that it would have caught" not in text


def test_without_deployments_there_is_nothing_to_try_it_on(admin):
    text = page(admin, a_rule(more_than=1))
    assert "nothing to try the rule on" in text
    add = admin.get(reverse("admin:deployments_approvalrule_add")).content.decode()
    assert "it would have caught <strong>" not in add


def test_the_list_says_it_of_each_rule(admin):
    lately(2, line=4)
    lately(1, line=5)
    a_rule("A", labels="line=4")
    a_rule("B", labels="line=5")
    a_rule("C", more_than=9)
    text = admin.get(reverse(LIST)).content.decode()
    for number in (2, 1, 0):
        assert f'{number} of <span class="nowrap">3 deployments</span>' in text


def test_the_list_can_still_be_sorted(admin):
    lately(1, line=4)
    for number, name in enumerate("ABC"):
        a_rule(name, more_than=number)
    rules = admin.get(f"{reverse(LIST)}?o=-1").context["cl"].result_list
    assert [rule.name for rule in rules] == ["C", "B", "A"]
