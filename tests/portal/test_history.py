"""The history: who did what, found again by person, action, thing and day; and as a file."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib import admin as site
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections
from django.db.models import Model
from django.http import HttpRequest
from django.test import AsyncClient
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from deployments import deeds, drafting, history, moves
from deployments.deeds import DEEDS
from deployments.history import Wanted
from deployments.models import Deployment, Event
from deployments.nouns import NOUNS
from deployments.states import ENGINE_MOVES, VERBS, Action
from devices.models import Device
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db
PAGE, FILE = "/deployments/event/", "/deployments/event/history.csv"
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def happened(to: Deployment, sentence: str, at: datetime, by: User | None = None, **more) -> Event:
    values = {"kind": "moved", "from_stage": "ready", "to_stage": "rolling", **more}
    return Event.objects.create(deployment=to, sentence=sentence, at=at, actor=by, **values)


def noted(
    thing: Model, said: str, at: datetime, by: User, flag: int = CHANGE, name: str = ""
) -> LogEntry:
    return LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(thing),
        object_id=str(thing.pk),
        object_repr=name or str(thing),
        action_flag=flag,
        change_message=said,
        action_time=at,
    )


@pytest.fixture
def told() -> dict[str, object]:
    """Six lines: two of a deployment, four of the admin's log, by two people and the engine."""
    ann, bob = cast.person(None, "ann"), cast.person(None, "bob")
    device = plant.a_device(path="press-1")
    rollout = plant.a_draft([device])
    Deployment.objects.filter(pk=rollout.pk).update(name="Mixers")
    happened(rollout, "One: started.", minute(1), ann, reason="line 4 is idle")
    happened(rollout, "Two: a gate.", minute(3), from_stage="rolling", to_stage="gate")
    noted(device, "Three: labels.", minute(2), bob)
    noted(bob, "", minute(4), ann, ADDITION)
    noted(rollout.version, "Five: made deprecated.", minute(4), bob)
    noted(device, "", minute(6), ann, DELETION, name="press-9")
    LogEntry.objects.filter(action_flag=DELETION).update(object_id="999")
    return {"ann": ann, "bob": bob, "device": device, "rollout": rollout}


def said(browser: Browser, query: str = "", **more: object) -> list[str]:
    """The first words of each line of the page."""
    answer = browser.get(PAGE + query, more)
    assert answer.status_code == 200
    return [row.line.sentence.split(":")[0] for row in answer.context["rows"]]


@pytest.fixture
def operator(db: None) -> Browser:
    return cast.sign_in(cast.operator())


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


def many(number: int, at: datetime = START) -> None:
    """So many events and so many entries, two of each at the same moment."""
    person = cast.person(None, f"p{number}")
    device = plant.a_device()
    rollout = plant.a_draft([device], plant.a_version(app_id=f"app-{number}"))
    for index in range(number):
        when = at + timedelta(seconds=index // 2)
        happened(rollout, f"e{index}", when, person)
        noted(device, f"a{index}", when, person)


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


# As a file


def rows_of(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_file_holds_what_is_filtered_with_exact_times(told, operator):
    User.objects.update(time_zone="Europe/Berlin")
    answer = operator.get(f"{FILE}?kind=deployment")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="history.csv"'
    assert rows_of(answer) == [
        ["Time", "Person", "Action", "Kind", "Name", "What happened", "Reason"],
        [
            "2026-11-23T13:03:00+01:00",
            *("Lineside", "Waits to go on", "Deployment", "Mixers", "Two: a gate.", ""),
        ],
        [
            "2026-11-23T13:01:00+01:00",
            *("ann", "Started", "Deployment", "Mixers", "One: started.", "line 4 is idle"),
        ],
    ]


def test_the_page_leads_to_the_file_of_the_same_filters(told, operator):
    text = operator.get(f"{PAGE}?kind=device&q=press").content.decode()
    assert f'href="{FILE}?kind=device&amp;q=press"' in text


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_of_the_file_is_a_formula(operator, begin):
    rollout = plant.a_draft([])
    Deployment.objects.update(name=begin)
    happened(rollout, begin, minute(1), cast.person(None, f"{begin}ann"), reason=begin)
    head, row = rows_of(operator.get(FILE))
    named = dict(zip(head, row, strict=True))
    assert named["Name"] == named["What happened"] == named["Reason"] == f"'{begin}"
    assert named["Person"] == f"'{begin}ann"


def test_the_file_is_read_in_chunks_as_it_is_sent(monkeypatch, operator):
    monkeypatch.setattr("deployments.history.CHUNK", 7)
    many(10)
    with CaptureQueriesContext(connection) as captured:
        answer = operator.get(FILE)
        before = len(captured)
        sentences = [row[5] for row in rows_of(answer)[1:]]
    assert sentences == [line.sentence for line in history.read(Wanted(), 100)]
    assert len(captured) - before == 2 * 3


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_server_sends_it_as_it_is_read(monkeypatch):
    many(10)
    person = cast.operator()
    monkeypatch.setattr("accounts.spreadsheet.ROWS", 6)

    async def ask() -> list[bytes]:
        browser = AsyncClient()
        await browser.aforce_login(person)
        answer = await browser.get(FILE)
        assert answer.is_async
        parts = [part async for part in answer.streaming_content]
        await sync_to_async(connections.close_all)()
        return parts

    parts = asyncio.run(ask())
    assert [len(part.splitlines()) for part in parts] == [1, 6, 6, 6, 2]
    assert len(list(csv.reader(io.StringIO(b"".join(parts).decode())))) == 21


# Who may, and who may not change it


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


# Deeds


def test_everything_that_happens_to_deployments_is_exactly_one_deed():
    stages.in_each_stage()
    rows = set(Event.objects.values_list("kind", "from_stage", "to_stage"))
    assert len(rows) > 12
    for row in rows:
        assert len([name for name, deed in DEEDS.items() if deed.tells_event(*row)]) == 1, row


def test_every_move_of_the_two_tables_is_exactly_one_deed():
    by_people = [
        (verb, before, after)
        for verb, row in VERBS.items()
        for before, after in row.moves.items()
        if after is not None and before != after
    ]
    own = {
        Action.DENY: "denied",
        Action.RETRY_FAILED: "retried",
        Action.GIVE_UP: "gave_up",
        Action.SCHEDULE: "scheduled",
    }
    told = [(own.get(verb, "moved"), before, after) for verb, before, after in by_people]
    told += [("moved", before, to) for before, after in ENGINE_MOVES.items() for to in after]
    for row in told:
        assert len([name for name, deed in DEEDS.items() if deed.tells_event(*row)]) == 1, row


def test_the_database_finds_the_same_deeds():
    stages.in_each_stage()
    for deed in DEEDS.values():
        found = Event.objects.filter(deed.events())
        rows = Event.objects.values_list("pk", "kind", "from_stage", "to_stage")
        assert {one.pk for one in found} == {pk for pk, *row in rows if deed.tells_event(*row)}


def test_a_denial_is_told_from_a_cancellation():
    waiting = stages.awaiting_approval(plant.a_version())
    moves.deny(waiting, actor=cast.admin(), now=START)
    assert Event.objects.filter(DEEDS["denied"].events()).count() == 1
    assert not Event.objects.filter(DEEDS["cancelled"].events()).exists()


def test_a_kind_that_nobody_named_has_its_own_word():
    assert deeds.of_event("moon_landing", "", "").words == "Moon landing"


def test_lines_of_a_device_that_left_still_lead_to_its_page(told, operator):
    Device.objects.update(removed_at=START)
    rows = operator.get(f"{PAGE}?q=press-1").context["rows"]
    assert operator.get(rows[0].address).status_code == 200
