"""Who may see the history, that nobody changes it, and what stays of a draft that was deleted."""

import pytest
from django.contrib import admin as site
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from deployments import drafting, moves
from deployments.models import Deployment, Event
from tests import cast
from tests.deployments import plant
from tests.portal.happenings import FILE, PAGE, START

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", [cast.operator, cast.admin])
def test_operators_and_admins_have_it_in_the_menu(who):
    menu = cast.sign_in(who()).get("/").context["menu"]
    assert PAGE in [entry.url for entry in menu]


def test_viewers_have_neither_page_nor_file_nor_menu_entry(told):
    viewer = cast.sign_in(cast.viewer())
    assert viewer.get(PAGE).status_code == viewer.get(FILE).status_code == 403
    assert PAGE not in [entry.url for entry in viewer.get("/").context["menu"]]


def test_nobody_can_change_or_delete_it(told):
    person = cast.admin()
    User.objects.filter(pk=person.pk).update(is_superuser=True, is_staff=True)
    browser = cast.sign_in(person)
    event, entry = Event.objects.first(), LogEntry.objects.first()
    before = [*Event.objects.values(), *LogEntry.objects.values()]
    for address in (PAGE, FILE):
        for send in (browser.post, browser.put, browser.patch, browser.delete):
            assert send(address, {"action": "delete_selected"}).status_code == 405
    for table, key in (("deployments/event", event.pk), ("admin/logentry", entry.pk)):
        for way in ("add/", f"{key}/", f"{key}/change/", f"{key}/delete/", f"{key}/history/"):
            for send in (browser.get, browser.post):
                assert send(f"/{table}/{way}", {"post": "yes"}).status_code == 404
    assert [*Event.objects.values(), *LogEntry.objects.values()] == before

    assert LogEntry not in site.site._registry
    request = HttpRequest()
    request.user = person
    kept = site.site._registry[Event]
    assert not kept.has_add_permission(request)
    assert not kept.has_change_permission(request)
    assert not kept.has_delete_permission(request)


def test_who_deleted_a_draft_is_told_though_its_own_history_went_with_it(operator):
    draft = plant.a_draft([plant.a_device()])
    moves.delete(draft, actor=cast.admin(), now=START, reason="a test")
    (row,) = operator.get(f"{PAGE}?kind=deployment&action=deleted").context["rows"]
    assert (row.line.who, row.line.name, row.address) == ("admin", "Rollout", "")
    assert row.line.sentence == "Deleted the draft. a test"


def test_a_draft_that_was_ready_once_keeps_its_history_when_it_is_deleted(operator):
    draft = plant.a_ready_deployment([plant.a_device()])
    person, told = cast.admin(), draft.events.count()
    moves.reopen(draft, actor=person, now=START)
    do = reverse("admin:deployments_deployment_action", args=[draft.pk, "delete"])
    assert "its history stays" in operator.get(do).content.decode()
    moves.delete(draft, actor=person, now=START, reason="a test")
    assert not Deployment.objects.listed().exists()
    assert draft.events.count() == told + 2
    (row,) = operator.get(f"{PAGE}?kind=deployment&action=deleted").context["rows"]
    assert (row.line.who, row.line.sentence) == ("admin", "Deleted from the lists.")
    step = reverse("admin:deployments_deployment_step", args=[draft.pk, 2])
    answer = operator.post(step, {"go": "next"}, follow=True)
    assert "is deleted and cannot be changed any more" in answer.content.decode()
    assert "Continue" not in answer.content.decode()
    with pytest.raises(moves.MoveRefusedError):
        drafting.set_rollout(draft, {"max_failures": 3}, actor=person, now=START)


def test_no_line_tells_of_a_draft_that_somebody_else_changed_meanwhile(operator):
    draft = plant.a_draft([])
    Deployment.objects.filter(pk=draft.pk).update(edits=99)
    with pytest.raises(moves.MoveRefusedError):
        moves.delete(draft, actor=cast.admin(), now=START)
    assert not LogEntry.objects.exists()
