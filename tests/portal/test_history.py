"""The history: who did what, found again by person, action, thing and day."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from deployments import history
from deployments.history import Wanted
from deployments.models import Deployment
from deployments.nouns import NOUNS
from devices.models import Device
from tests import cast
from tests.deployments import plant
from tests.portal.happenings import FILE, PAGE, START, happened, many, minute, noted

pytestmark = pytest.mark.django_db


def said(browser: Browser, query: str = "", **more: object) -> list[str]:
    """The first words of each line of the page."""
    answer = browser.get(PAGE + query, more)
    assert answer.status_code == 200
    return [row.line.sentence.split(":")[0] for row in answer.context["rows"]]


ALL = ["Deleted.", "Five", "Added.", "Two", "Three", "One"]


def test_both_tables_are_one_list_newest_first(told, operator):
    assert said(operator) == ALL
    text = operator.get(PAGE).content.decode()
    for words in ("ann", "bob", "Lineside", "“line 4 is idle”", "Mixers", "Waits to go on"):
        assert words in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("?who=ann", ["Deleted.", "Added.", "One"], id="a person"),
        pytest.param("?who=engine", ["Two"], id="the engine"),
        pytest.param("?who=99999999", ALL, id="a person who is not there"),
        pytest.param("?who=1e3", ALL, id="no person at all"),
        pytest.param("?action=started", ["One"], id="an action of deployments"),
        pytest.param("?action=changed", ["Five", "Three"], id="an action of the rest"),
        pytest.param("?action=deleted", ["Deleted."], id="an action of both"),
        pytest.param("?action=nonsense", ALL, id="an action nobody knows"),
        pytest.param("?kind=deployment", ["Two", "One"], id="deployments"),
        pytest.param("?kind=device", ["Deleted.", "Three"], id="devices"),
        pytest.param("?kind=version", ["Five"], id="versions"),
        pytest.param("?kind=rule", [], id="nothing of this kind"),
        pytest.param("?q=press-9", ["Deleted."], id="by name"),
        pytest.param("?q=PRESS", ["Deleted.", "Three"], id="in either case"),
        pytest.param("?q=mixers+ann", ["One"], id="every word"),
        pytest.param("?q=bob", ["Five", "Added.", "Three"], id="a person's name"),
        pytest.param("?who=ann&kind=device&action=deleted", ["Deleted."], id="filters combine"),
        pytest.param("?since=2026-11-24", [], id="from a later day"),
        pytest.param("?since=2026-11-23&until=2026-11-23", ALL, id="on the day"),
        pytest.param("?until=2026-11-22", [], id="to an earlier day"),
    ],
)
def test_filters(told, operator, query, found):
    query = query.replace("ann", str(told["ann"].pk)) if "who=ann" in query else query
    assert said(operator, query) == found


def test_days_are_those_of_the_person(told, operator):
    LogEntry.objects.filter(action_flag=DELETION).update(
        action_time=datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    )
    assert said(operator, "?since=2026-11-24") == []
    User.objects.update(time_zone="Asia/Tokyo")
    assert said(operator, "?since=2026-11-24") == ["Deleted."]
    assert said(operator, "?until=2026-11-23") == ALL[1:]


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "0001-01-01", "9999-12-31", "x" * 9999])
@pytest.mark.parametrize("name", ["since", "until"])
def test_a_day_that_is_none_is_refused_beside_the_fields_and_filters_nothing(
    told, operator, name, day
):
    answer = operator.get(PAGE, {name: day})
    assert len(answer.context["rows"]) == 6
    assert "Give a day between 1970 and 2999" in answer.content.decode()
    assert answer.context["chips"] == []
    assert operator.get(FILE, {name: day}).status_code == 200


def test_each_filter_that_took_effect_has_a_chip_that_takes_it_away(told, operator):
    query = f"?who={told['ann'].pk}&action=deleted&kind=device&q=press&since=2026-11-01"
    answer = operator.get(PAGE + query)
    assert [(chip.label, chip.words) for chip in answer.context["chips"]] == [
        ("Search", "press"),
        ("Person", "ann"),
        ("Action", "Deleted"),
        ("Kind", "Device"),
        ("From", "1 Nov 2026"),
    ]
    assert answer.context["chips"][2].query == query.replace("&action=deleted", "")
    without_page = operator.get(f"{PAGE}?who=engine&before=9-e-9").context["chips"][0].query
    assert without_page == "?"
    assert operator.get(f"{PAGE}?who=engine").context["chips"][0].words == "Lineside, by itself"


def test_a_line_leads_to_what_it_is_about_while_that_is_there(told, operator):
    def links() -> dict[str, str]:
        rows = operator.get(PAGE).context["rows"]
        return {row.line.sentence.split(":")[0]: row.address for row in rows}

    pages = links()
    assert pages["One"] == f"/deployments/deployment/{told['rollout'].pk}/change/"
    assert pages["Three"] == f"/devices/device/{told['device'].pk}/change/"
    assert pages["Added."] == f"/accounts/user/{told['bob'].pk}/change/"
    assert pages["Deleted."] == ""
    for address in filter(None, pages.values()):
        assert operator.get(address).status_code == 200


def test_a_line_leads_nowhere_for_those_who_may_not_see_it(operator):
    author = cast.admin()
    rule = NOUNS["rule"].model.objects.create(
        name="Large", more_than=5, created_at=START, updated_at=START
    )
    noted(rule, "Kept.", minute(1), author)
    (row,) = operator.get(PAGE).context["rows"]
    assert (row.line.name, row.address) == ("Large", "")
    (row,) = cast.sign_in(author).get(PAGE).context["rows"]
    assert row.address == f"/deployments/approvalrule/{rule.pk}/change/"


def test_what_the_log_says_of_things_without_pages_is_listed_too(told, operator):
    LogEntry.objects.filter(action_flag=DELETION).update(content_type=None, object_id=None)
    LogEntry.objects.filter(action_flag=ADDITION).update(
        content_type=ContentType.objects.get_for_model(ContentType), object_id="no number"
    )
    assert said(operator) == ALL
    assert "Something else" in operator.get(PAGE).content.decode()


@pytest.mark.parametrize("page", [1, 3, 4, 7, 100])
def test_pages_follow_each_other_without_a_gap_both_ways(page, monkeypatch, operator):
    monkeypatch.setattr("deployments.history_page.PER_PAGE", page)
    many(10)
    expected = [line.sentence for line in history.read(Wanted(), 100)]
    assert len(expected) == 20
    assert expected[:5] == ["e9", "e8", "a9", "a8", "e7"]

    seen, address, pages = [], "", []
    while True:
        answer = operator.get(PAGE + address)
        pages.append([row.line.sentence for row in answer.context["rows"]])
        seen += pages[-1]
        if not answer.context["older"]:
            break
        address = answer.context["older"]
    assert seen == expected

    back = [pages[-1]]
    while answer.context["newer"]:
        answer = operator.get(PAGE + answer.context["newer"])
        back.append([row.line.sentence for row in answer.context["rows"]])
    assert back[-1] == pages[0]
    assert {line for lines in back for line in lines} == set(expected)
    for lines in back:
        start = expected.index(lines[0])
        assert lines == expected[start : start + len(lines)]


@pytest.mark.parametrize(
    "place", ["", "x", "1-e", "1-x-1", "1-e-1-1", "9" * 18 + "-e-1", "1-e-" + "9" * 19, "-1-e-1"]
)
def test_a_place_that_is_none_is_the_first_page(told, operator, place):
    assert said(operator, "", before=place) == ALL
    assert said(operator, "", after=place) == ALL


def test_a_page_costs_the_same_for_3_lines_and_for_30_of_every_kind(operator):
    many(3)
    costs = []
    for more in (0, 27):
        many(more, minute(1))
        for noun in NOUNS.values():
            for thing in noun.model.objects.all()[:2]:
                noted(thing, "kept", minute(2), User.objects.first())
        operator.get(PAGE)
        with CaptureQueriesContext(connection) as captured:
            operator.get(f"{PAGE}?q=p")
        costs.append(len(captured))
    assert costs[0] == costs[1] <= 12


def test_an_empty_history_says_what_will_be_there(operator):
    assert "Nothing has happened yet" in operator.get(PAGE).content.decode()


def test_filters_that_leave_nothing_say_so(told, operator):
    assert "Nothing in the history matches" in operator.get(f"{PAGE}?q=zebra").content.decode()


def test_what_people_wrote_is_text(operator):
    rollout = plant.a_draft([])
    Deployment.objects.update(name="<script>alert(1)</script>")
    happened(rollout, "<b>x</b>", minute(1), reason="<i>y</i>")
    text = operator.get(f"{PAGE}?q=<script").content.decode()
    assert "<script>alert" not in text
    assert "<b>x" not in text
    assert "<i>y" not in text
    assert "&lt;b&gt;x" in text


def test_lines_of_a_device_that_left_still_lead_to_its_page(told, operator):
    Device.objects.update(removed_at=START)
    rows = operator.get(f"{PAGE}?q=press-1").context["rows"]
    assert operator.get(rows[0].address).status_code == 200
