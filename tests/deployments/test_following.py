"""What the list and the overview hear besides their lines: numbers, and that there is more."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import following, lines, moves
from deployments.models import Deployment, Event
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db
LIST = "/deployments/deployment/"
OVERVIEW = reverse("admin:index")


@pytest.fixture
def browser():
    return cast.sign_in(cast.viewer())


def asked(browser, page: str) -> Callable[[], dict]:
    """What the page that is open hears: it asks by the address that it was painted with."""
    text = browser.get(page).content.decode()
    address = text.split('data-lines-note="')[1].split('"')[0].replace("&amp;", "&")
    ids = [part.split('"')[0] for part in text.split('data-line="')[1:]]
    return lambda: browser.get(f"{address}&ids={','.join(ids)}").json()


def test_the_overview_hears_of_numbers_and_events(browser):
    rollout = stages.at_canary_gate(plant.a_version())
    ask = asked(browser, OVERVIEW)
    first = ask()
    assert first["news"] == ""
    assert first["tiles"] in browser.get(OVERVIEW).content.decode()
    moves.promote_canary(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    after = ask()
    assert after["news"] == "2 new events: reload"
    assert after["tiles"] != first["tiles"]
    assert after["tiles"] in browser.get(OVERVIEW).content.decode()


def test_an_overview_without_rollouts_hears_of_the_first(browser):
    ask = asked(browser, OVERVIEW)
    assert ask()["news"] == ""
    plant.a_ready_deployment([plant.a_device()])
    assert ask()["news"] == "1 new event: reload"


def test_so_many_events_are_not_counted(browser, monkeypatch):
    monkeypatch.setattr(following, "MOST_NEWS", 2)
    rollout = stages.draft(plant.a_version())
    ask = asked(browser, OVERVIEW)
    for _ in range(3):
        Event.objects.create(deployment=rollout, kind="moved", sentence="x", at=plant.NOON)
    assert ask()["news"] == "many new events: reload"


def test_a_list_hears_of_what_its_filters_would_show_now(browser):
    version = plant.a_version()
    first = plant.a_ready_deployment([plant.a_device()], version)
    everything, cancelled = asked(browser, LIST), asked(browser, f"{LIST}?stage=cancelled")
    assert (everything()["news"], cancelled()["news"]) == ("", "")
    plant.a_draft([], version)
    assert (everything()["news"], cancelled()["news"]) == ("1 new: reload", "")
    moves.cancel(first, actor=None, now=plant.NOON)
    assert (everything()["news"], cancelled()["news"]) == ("1 new: reload", "1 new: reload")


def test_a_page_of_the_list_hears_of_itself_alone(browser, monkeypatch):
    monkeypatch.setattr(lines, "PER_PAGE", 2)
    version = plant.a_version()
    for _ in range(3):
        plant.a_draft([], version)
    ask = asked(browser, f"{LIST}?p=2&o=created")
    assert ask()["news"] == ""
    plant.a_draft([], version)
    assert ask()["news"] == "1 new: reload"


@pytest.mark.parametrize("page", [OVERVIEW, LIST], ids=["the overview", "the list"])
def test_asking_costs_the_same_however_much_there_is(browser, page):
    version = plant.a_version()
    costs = []
    for number in (3, 27):
        for _ in range(number):
            plant.a_ready_deployment([plant.a_device()], version)
        ask = asked(browser, page)
        Deployment.objects.update(start_at=plant.after(60))
        with CaptureQueriesContext(connection) as seen:
            ask()
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 8


def test_what_is_asked_for_of_no_page_is_ignored(browser):
    answer = browser.get(f"{LIST}live.json?of=moon&seen=x").json()
    assert set(answer) == {"moving", "note", "lines"}
    assert browser.get(f"{LIST}live.json?of=overview&seen={'9' * 40}").status_code == 200
