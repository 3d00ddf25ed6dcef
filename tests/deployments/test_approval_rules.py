"""Which rules apply to a deployment, and the page on which admins keep them."""

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db import IntegrityError, connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications.models import Application
from deployments import approval, submitting
from deployments.models import ApprovalRule, Deployment
from deployments.rules import NAMES_NOTHING
from tests import cast
from tests.deployments import plant
from tests.deployments.plant import NOON

pytestmark = pytest.mark.django_db


def a_rule(name: str = "R", **asks: object) -> ApprovalRule:
    return ApprovalRule.objects.create(name=name, created_at=NOON, updated_at=NOON, **asks)


def a_plan() -> Deployment:
    """Mixer for three devices that fit, one of them in line 4, and one in line 5 that does not."""
    chosen = [plant.a_device(), plant.a_device(line=4), plant.a_device(line=3)]
    return plant.a_draft([*chosen, plant.a_device(memory="1Ki", line=5)])


def why(draft: Deployment) -> list[str]:
    return submitting.preview(draft, now=NOON).approval


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        pytest.param({"more_than": 0}, "more than 0 devices", id="every deployment"),
        pytest.param({"more_than": 1}, "more than 1 device", id="more than one"),
        pytest.param({"more_than": 2}, "more than 2 devices", id="one more than allowed"),
        pytest.param({"more_than": 3}, None, id="exactly as many as allowed"),
        pytest.param({"labels": "line=4"}, "one of the devices matches line=4", id="a label"),
        pytest.param({"labels": "line=4, !old"}, "one of the devices matches line=4, !old", id="2"),
        pytest.param({"labels": "line=9"}, None, id="nobody's label"),
        pytest.param({"labels": "line=5"}, None, id="the label of one that does not fit"),
        pytest.param(
            {"labels": "line in (4, 5)"},
            "one of the devices matches line in (4, 5)",
            id="the label of one that fits and one that does not",
        ),
        pytest.param({"application": "mixer"}, "it rolls out Mixer", id="an application"),
        pytest.param({"application": "pump"}, None, id="another application"),
        pytest.param(
            {"more_than": 2, "labels": "line=4"},
            "more than 2 devices, and one of them matches line=4",
            id="number and label",
        ),
        pytest.param({"more_than": 3, "labels": "line=4"}, None, id="label without number"),
        pytest.param({"more_than": 2, "labels": "line=9"}, None, id="number without label"),
        pytest.param(
            {"application": "mixer", "more_than": 2},
            "it rolls out Mixer to more than 2 devices",
            id="application and number",
        ),
        pytest.param({"application": "pump", "more_than": 2}, None, id="without application"),
        pytest.param({"application": "mixer", "more_than": 3}, None, id="without number"),
        pytest.param(
            {"application": "mixer", "labels": "line"},
            "it rolls out Mixer, and one of the devices matches line",
            id="application and label",
        ),
        pytest.param({"application": "mixer", "labels": "line=9"}, None, id="without label"),
        pytest.param(
            {"application": "mixer", "more_than": 2, "labels": "line=3"},
            "it rolls out Mixer to more than 2 devices, and one of them matches line=3",
            id="all three",
        ),
        pytest.param({"more_than": 0, "enabled": False}, None, id="switched off"),
        pytest.param({"labels": "line="}, "one of the devices matches line=", id="unreadable"),
    ],
)
def test_a_rule_applies_when_all_that_it_names_holds(asks, sentence):
    draft = a_plan()
    plant.a_version(app_id="pump")
    if name := asks.get("application"):
        asks = {**asks, "application": Application.objects.get(app_id=name)}
    a_rule("Line 4", **asks)
    expected = [f"Rule “Line 4”: {sentence}."] if sentence else []
    assert why(draft) == expected
    submitting.submit(draft, actor=None, now=NOON)
    draft.refresh_from_db()
    assert draft.approval_reasons == expected
    assert draft.stage == ("awaiting_approval" if expected else "ready")


def test_every_rule_that_applies_is_named_in_the_order_of_their_names():
    draft = a_plan()
    a_rule("Zone", labels="line=4")
    a_rule("Large", more_than=2)
    a_rule("Larger", more_than=20)
    assert why(draft) == [
        "Rule “Large”: more than 2 devices.",
        "Rule “Zone”: one of the devices matches line=4.",
    ]


def test_a_label_given_by_a_person_counts_like_a_reported_one():
    device = cast.device(cast.client("edge"), "edge", line="4")
    device.properties = plant.a_device().properties
    device.save(update_fields=["properties"])
    a_rule(labels="line=4")
    assert why(plant.a_draft([device])) == ["Rule “R”: one of the devices matches line=4."]


def test_rules_without_labels_cost_one_query():
    draft = a_plan()
    targets = plant.Device.objects.all()
    for number in range(20):
        a_rule(str(number), more_than=number)
    with CaptureQueriesContext(connection) as captured:
        assert len(approval.reasons_for(draft, targets, 3)) == 3
    assert len(captured) == 1


def test_the_database_has_no_place_for_a_rule_that_names_nothing():
    with pytest.raises(IntegrityError):
        a_rule()


LIST = "admin:deployments_approvalrule_changelist"
ADD = "admin:deployments_approvalrule_add"


def address(name: str, rule: ApprovalRule) -> str:
    return reverse(f"admin:deployments_approvalrule_{name}", args=[rule.pk])


def form(**changes: object) -> dict[str, object]:
    return {
        "name": "Line 4",
        "enabled": "on",
        "application": "",
        "more_than": "",
        "labels": "",
        **changes,
    }


@pytest.fixture
def admin() -> Browser:
    return cast.sign_in(cast.admin())


def test_an_admin_adds_changes_and_deletes_a_rule_and_the_history_knows(admin):
    assert admin.post(reverse(ADD), form(more_than="50", labels=" line=4 ")).status_code == 302
    rule = ApprovalRule.objects.get()
    assert (rule.name, rule.more_than, rule.labels) == ("Line 4", 50, "line=4")
    assert rule.enabled
    assert rule.created_at == rule.updated_at
    shown = admin.get(reverse(LIST)).content.decode()
    assert "More than 50 devices, and one of them matches line=4" in shown
    assert "In force" in shown

    plant.a_version()
    mixer = Application.objects.get()
    changed = form(more_than="", application=mixer.pk)
    del changed["enabled"]
    assert admin.post(address("change", rule), changed).status_code == 302
    rule.refresh_from_db()
    assert (rule.enabled, rule.more_than, rule.labels) == (False, None, "")
    assert rule.application == mixer
    assert rule.updated_at > rule.created_at
    shown = admin.get(reverse(LIST)).content.decode()
    assert "It rolls out Mixer" in shown
    assert "Switched off" in shown
    history = admin.get(address("history", rule)).content.decode()
    assert "Changed In force, It rolls out" in history

    before = admin.get(address("delete", rule)).content.decode()
    assert "Those that wait for approval because of it still wait." in before
    assert admin.post(address("delete", rule), {"post": "yes"}).status_code == 302
    assert not ApprovalRule.objects.exists()
    flags = LogEntry.objects.order_by("pk").values_list("action_flag", "user__username")
    assert list(flags) == [(ADDITION, "admin"), (CHANGE, "admin"), (DELETION, "admin")]


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        pytest.param({}, "application", NAMES_NOTHING, id="names nothing"),
        pytest.param({"labels": "  "}, "application", NAMES_NOTHING, id="blanks"),
        pytest.param(
            {"labels": "line="}, "labels", "Position 6: a value is expected", id="unreadable"
        ),
        pytest.param({"labels": 'a="b'}, "labels", "is never closed", id="an open quotation"),
        pytest.param({"labels": "x" * 1001}, "labels", "at most 1000", id="a long expression"),
        pytest.param({"labels": "a\x00b"}, "labels", "Null characters", id="a NUL"),
        pytest.param({"more_than": "-1"}, "more_than", "greater than or equal to 0", id="below 0"),
        pytest.param({"more_than": "some"}, "more_than", "whole number", id="no number"),
        pytest.param({"more_than": "9" * 30}, "more_than", "less than or equal to", id="too large"),
        pytest.param({"application": "4711"}, "application", "valid choice", id="unknown"),
        pytest.param({"application": "9" * 30}, "application", "valid choice", id="no key"),
        pytest.param({"name": "", "more_than": "1"}, "name", "required", id="no name"),
        pytest.param({"name": "x" * 101, "more_than": "1"}, "name", "at most 100", id="long name"),
        pytest.param({"name": "Old", "more_than": "1"}, "name", "Another rule has", id="twice"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_beside_its_field(admin, given, field, sentence):
    a_rule("Old", more_than=1)
    page = admin.post(reverse(ADD), form(**given))
    assert page.status_code == 200
    errors = page.context["adminform"].form.errors
    assert list(errors) == [field]
    assert sentence in errors[field][0]
    assert ApprovalRule.objects.count() == 1


def test_a_rule_keeps_its_own_name_when_it_is_saved_again(admin):
    rule = a_rule("Line 4", more_than=1)
    assert admin.post(address("change", rule), form(more_than="0")).status_code == 302
    rule.refresh_from_db()
    assert rule.more_than == 0


def test_a_rule_s_name_is_text_wherever_it_stands(admin):
    rule = a_rule("<b>4</b>", more_than=1)
    for url in (reverse(LIST), address("change", rule), address("delete", rule)):
        assert "<b>4</b>" not in admin.get(url).content.decode()


@pytest.mark.parametrize("person", [cast.viewer, cast.operator])
def test_nobody_else_changes_a_rule_or_sees_them_in_the_menu(person):
    browser, rule = cast.sign_in(person()), a_rule(more_than=1)
    assert browser.post(reverse(ADD), form(more_than="1")).status_code == 403
    assert browser.post(address("change", rule), form(more_than="9")).status_code == 403
    assert browser.post(address("delete", rule), {"post": "yes"}).status_code == 403
    assert ApprovalRule.objects.get().more_than == 1
    menu = browser.get(reverse("admin:index")).context["menu"]
    assert "Approval rules" not in [entry.words for entry in menu]


def queries(browser: Browser, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


def test_the_pages_cost_the_same_for_2_rules_and_for_30(admin):
    rules = [a_rule("A", application=plant.a_version(app_id="a").application) for _ in range(1)]
    rules.append(a_rule("B", application=plant.a_version(app_id="b").application))
    urls = [reverse(LIST), reverse(ADD), address("change", rules[0])]
    few = [queries(admin, url) for url in urls]
    for number in range(28):
        a_rule(f"C{number}", application=plant.a_version(app_id=f"c{number}").application)
    assert [queries(admin, url) for url in urls] == few
    assert max(few) <= 10
