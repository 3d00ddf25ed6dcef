"""The socket of the live page: snapshot first, then what is new, bounded, and to whom it may go."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import OperationalError, connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role, assign
from deployments import consumers, doubts, events, frames, live, loop
from deployments.models import Deployment, Instance
from deployments.states import Stage, allowed
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.browser_socket import BrowserSocket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bell():
    """Lets the test's own event loop be the one on which bells ring."""
    yield lambda: loop.set_loop(asyncio.get_running_loop())
    loop.set_loop(None)


@pytest.fixture
def devices():
    return [plant.a_device() for _ in range(3)]


@pytest.fixture
def rollout(devices):
    return plant.a_rollout(devices)


def cookie_of(person: User) -> str:
    return cast.sign_in(person).cookies["sessionid"].value


@pytest.fixture
def cookie():
    return cookie_of(cast.viewer())


def socket(deployment_pk: int, cookie: str = "", **more: str) -> BrowserSocket:
    return BrowserSocket(f"/ws/deployments/{deployment_pk}/", cookie, **more)


@asynccontextmanager
async def page(deployment: Deployment, cookie: str):
    """An open page; its first frame is read already."""
    opened = socket(deployment.pk, cookie)
    assert await opened.connect() is None
    opened.first = await opened.frame()
    try:
        yield opened
    finally:
        await opened.disconnect()


async def next_news(opened, seconds: float = 3.0) -> dict:
    """The next frame that is not a beat."""
    while True:
        frame = await opened.frame(seconds)
        if frame["kind"] != "beat":
            return frame


async def answer(opened, seconds: float = 3.0) -> dict:
    """The snapshot a page gets that asked for its rows; what the hub tells meanwhile is skipped."""
    while True:
        frame = await opened.frame(seconds)
        if frame["kind"] == "snapshot":
            return frame


in_a_thread = database_sync_to_async


# To whom


@pytest.mark.asyncio
@pytest.mark.parametrize("role", list(Role), ids=str)
async def test_every_role_may_watch(rollout, role):
    cookie = await in_a_thread(lambda: cookie_of(cast.person(role)))()
    async with page(rollout, cookie) as opened:
        assert opened.first["kind"] == "snapshot"


@pytest.mark.asyncio
async def test_who_has_no_role_or_no_session_is_refused_at_the_door(rollout):
    nobody = await in_a_thread(lambda: cookie_of(cast.person(None)))()
    for cookie in ("", nobody, "made up"):
        opened = socket(rollout.pk, cookie)
        assert await opened.connect() == consumers.FORBIDDEN
        await opened.disconnect()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("http://evil.example", id="another host"),
        pytest.param("http://127.0.0.1:9999", id="another port"),
        pytest.param("http://127.0.0.1", id="no port"),
        pytest.param("https://127.0.0.1:8000", id="another scheme"),
        pytest.param("http://127.0.0.1:99999", id="no such port"),
        pytest.param("http://[", id="broken"),
        pytest.param("null", id="opaque"),
        pytest.param("", id="empty"),
    ],
)
async def test_a_page_of_another_site_is_refused(rollout, cookie, origin):
    opened = socket(rollout.pk, cookie, origin=origin)
    assert await opened.connect() is not None


@pytest.mark.asyncio
@pytest.mark.parametrize("origin", ["http://localhost:8000", "http://[::1]:8000"])
async def test_the_portal_is_itself_by_every_allowed_name(rollout, cookie, origin):
    opened = socket(rollout.pk, cookie, origin=origin)
    assert await opened.connect() is None
    await opened.disconnect()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/ws/", id="the root"),
        pytest.param("/ws/deployments/one/", id="no number"),
        pytest.param(f"/ws/deployments/{'9' * 5000}/", id="5000 digits"),
        pytest.param(f"/ws/deployments/{'9' * 100}/", id="100 digits"),
    ],
)
async def test_an_address_that_leads_nowhere_is_refused(cookie, path):
    opened = BrowserSocket(path, cookie)
    assert await opened.connect() == consumers.GONE
    await opened.disconnect()


@pytest.mark.asyncio
async def test_a_deployment_that_does_not_exist_is_refused(cookie):
    opened = socket(4711, cookie)
    assert await opened.connect() == consumers.GONE
    await opened.disconnect()
    assert not live.watched()


@pytest.mark.asyncio
@pytest.mark.parametrize("told", [True, False], ids=["when told", "by itself after a while"])
async def test_a_permission_taken_away_closes_the_page(rollout, cookie, told, monkeypatch):
    if not told:
        monkeypatch.setattr(consumers, "PERMISSION_SECONDS", 0.2)
    viewer = await User.objects.aget(username="viewer")
    async with page(rollout, cookie) as opened:
        await in_a_thread(viewer.groups.clear)()
        if told:
            await asyncio.sleep(0.1)
            layer = get_channel_layer()
            await layer.group_send(doubts.person_group(viewer.pk), {"type": "person.changed"})
        assert await closing_code(opened) == consumers.FORBIDDEN
    assert not live.watched()


@pytest.mark.asyncio
async def test_a_session_that_ended_closes_the_page(rollout, monkeypatch):
    monkeypatch.setattr(consumers, "PERMISSION_SECONDS", 0.2)
    browser = await in_a_thread(lambda: cast.sign_in(cast.viewer()))()
    async with page(rollout, browser.cookies["sessionid"].value) as opened:
        await in_a_thread(browser.session.flush)()
        assert await closing_code(opened) == consumers.FORBIDDEN


def sign_out(browser: Browser, _viewer: User) -> None:
    browser.post(reverse("admin:logout"))


def deactivate(_browser: Browser, viewer: User) -> None:
    form = {"role": Role.VIEWER.value}
    cast.sign_in(cast.admin()).post(reverse("admin:accounts_user_change", args=[viewer.pk]), form)


@pytest.mark.asyncio
@pytest.mark.parametrize("end", [sign_out, deactivate])
async def test_who_signs_out_or_is_deactivated_loses_the_page_at_once(rollout, bell, end):
    bell()
    viewer = await in_a_thread(cast.viewer)()
    browser = await in_a_thread(cast.sign_in)(viewer)
    async with page(rollout, browser.cookies["sessionid"].value) as opened:
        await in_a_thread(end)(browser, viewer)
        assert await closing_code(opened) == consumers.FORBIDDEN


@pytest.mark.asyncio
async def test_a_new_role_is_asked_about_and_the_page_stays_open(rollout, bell):
    bell()
    viewer = await in_a_thread(cast.viewer)()
    async with page(rollout, await in_a_thread(cookie_of)(viewer)) as opened:
        await in_a_thread(assign)(viewer, Role.OPERATOR)
        await asyncio.sleep(0.8)
        await opened.tell({"rows": []})
        assert await answer(opened)


@pytest.mark.asyncio
async def test_a_busy_database_does_not_end_the_asking(rollout, monkeypatch):
    monkeypatch.setattr(consumers, "PERMISSION_SECONDS", 0.2)
    monkeypatch.setattr(consumers, "PATIENCE_SECONDS", 0.1)
    browser = await in_a_thread(lambda: cast.sign_in(cast.viewer()))()
    async with page(rollout, browser.cookies["sessionid"].value) as opened:
        with monkeypatch.context() as trouble:
            trouble.setattr(consumers, "_may_see", busy)
            await opened.tell({"rows": []})
            await asyncio.sleep(0.5)
        await in_a_thread(browser.logout)()
        assert await closing_code(opened) == consumers.FORBIDDEN


@pytest.mark.asyncio
async def test_rows_asked_for_while_the_database_is_busy_are_answered_later(
    rollout, cookie, monkeypatch
):
    monkeypatch.setattr(consumers, "PATIENCE_SECONDS", 0.1)
    async with page(rollout, cookie) as opened:
        with monkeypatch.context() as trouble:
            trouble.setattr(frames, "snapshot", busy)
            await opened.tell({"rows": []})
            await asyncio.sleep(0.3)
        assert await answer(opened)


def busy(*_: object, **__: object) -> None:
    raise OperationalError("database is locked")


async def closing_code(opened) -> int:
    while True:
        message = await opened.receive_output(timeout=3)
        if message["type"] == "websocket.close":
            return message["code"]


# What


@pytest.mark.asyncio
async def test_the_page_gets_the_rows_it_shows_and_no_others(rollout, cookie):
    rows = [pk async for pk in Instance.objects.values_list("pk", flat=True)]
    async with page(rollout, cookie) as opened:
        assert opened.first["instances"] == []
        await opened.tell({"rows": rows[:2]})
        frame = await answer(opened)
        assert sorted(row["id"] for row in frame["instances"]) == rows[:2]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "sent",
    ["", "no json", "[]", '"x"', '{"rows": "all"}', '{"other": 1}', "[" * 100_000],
    ids=["empty", "text", "list", "string", "no list", "other", "deep"],
)
async def test_nonsense_from_a_page_is_ignored(rollout, cookie, sent):
    async with page(rollout, cookie) as opened:
        await opened.tell_text(sent)
        await opened.tell_bytes(b"\0")
        await opened.tell({"rows": [True, -1, "1", 1.5, 2**70]})
        assert (await answer(opened))["instances"] == []


@pytest.mark.asyncio
async def test_a_page_that_asks_too_often_gets_what_it_asked_for_last(rollout, cookie):
    rows = [pk async for pk in Instance.objects.values_list("pk", flat=True)]
    snapshots = []
    async with page(rollout, cookie) as opened:
        for number in range(200):
            await opened.tell({"rows": rows[: number % 2]})
        while not await opened.receive_nothing(timeout=1.0):
            frame = await opened.frame()
            snapshots += [frame] if frame["kind"] == "snapshot" else []
    assert 1 <= len(snapshots) <= 4
    assert [row["id"] for row in snapshots[-1]["instances"]] == rows[:1]


@pytest.mark.asyncio
async def test_a_change_reaches_the_page_with_the_words_of_the_server(
    rollout, devices, cookie, bell
):
    bell()
    async with page(rollout, cookie) as opened:
        await in_a_thread(plant.install)(devices[0], timezone.now())
        seen = [await next_news(opened)]
        while not any(row["words"] == "Installed" for row in seen[-1]["instances"]):
            seen.append(await next_news(opened))
        row = next(row for row in seen[-1]["instances"] if row["words"] == "Installed")
        assert (row["tone"], row["mark"], row["progress"]) == ("ok", "✓", 100)
        assert {"state": "installed", "words": "Installed", "number": 1} in seen[-1]["counts"]
        assert "<strong>1</strong> of 3 installed" in seen[-1]["parts"]["progress"]
        expected = [one.value for one in allowed(Stage.ROLLING)]
        assert seen[-1]["deployment"]["actions"] == expected


@pytest.mark.asyncio
async def test_the_stage_and_with_it_the_buttons_follow(rollout, devices, cookie, bell):
    bell()
    async with page(rollout, cookie) as opened:
        for device in devices:
            await in_a_thread(plant.install)(device, timezone.now())
        await in_a_thread(plant.tick)(rollout)
        frame = await next_news(opened)
        while not frame["deployment"]["over"]:
            frame = await next_news(opened)
        assert frame["deployment"]["words"] == "Completed"
        assert frame["deployment"]["actions"] == ["rollback", "delete", "again"]
        assert "Completed: 3 of 3 installed" in frame["parts"]["timeline"]


@pytest.mark.asyncio
async def test_the_gate_that_a_button_would_open_follows(cookie, bell):
    bell()
    rollout = await in_a_thread(lambda: stages.at_canary_gate(plant.a_version()))()
    async with page(rollout, cookie) as opened:
        head = opened.first["deployment"]
        assert "promote_canary" in head["actions"]
        assert head["shown"] == {"gate_batch": "1"}
        await in_a_thread(stages.to_batch_gate)(rollout)
        while "approve_batch" not in head["actions"]:
            head = (await next_news(opened))["deployment"]
        assert "promote_canary" not in head["actions"]
        assert head["shown"] == {"gate_batch": "2"}


@pytest.mark.asyncio
async def test_a_change_without_a_ring_is_found_all_the_same(rollout, devices, cookie, monkeypatch):
    monkeypatch.setattr(live, "LOOKING_SECONDS", 0.3)
    async with page(rollout, cookie) as opened:
        await next_news(opened)
        await in_a_thread(Instance.objects.filter(device=devices[1]).update)(
            progress=55, changes=99, changed_at=timezone.now()
        )
        frame = await next_news(opened)
        assert [(row["progress"], row["v"]) for row in frame["instances"]] == [(55, 99)]


@pytest.mark.asyncio
async def test_a_change_that_is_rolled_back_is_not_told(rollout, devices, cookie, bell):
    bell()

    def change() -> None:
        Instance.objects.update(progress=77, changes=5, changed_at=timezone.now())
        events.ring(rollout.pk)
        raise ZeroDivisionError

    def change_and_fail() -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            change()

    async with page(rollout, cookie) as opened:
        await in_a_thread(change_and_fail)()
        # A ring of the rollout's start may still be under way, and tells what is known anyway.
        while not await opened.receive_nothing(timeout=0.8):
            told = await opened.frame()
            assert 77 not in [row["progress"] for row in told.get("instances", [])]


@pytest.mark.asyncio
async def test_many_rings_make_four_frames_a_second_at_most(rollout, cookie):
    layer = get_channel_layer()
    group = events.group_name(rollout.pk)
    async with page(rollout, cookie) as opened:
        for _ in range(50):
            await layer.group_send(group, {"type": "deployment.rang", "deployment": rollout.pk})
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        frames_seen = 0
        while not await opened.receive_nothing(timeout=0.05):
            await opened.frame()
            frames_seen += 1
        assert 1 <= frames_seen <= 6


@pytest.mark.asyncio
async def test_two_pages_share_a_hub_that_ends_with_the_last(rollout, cookie):
    async with page(rollout, cookie):
        async with page(rollout, cookie):
            assert live.watched() == {rollout.pk}
        assert live.watched() == {rollout.pk}
    assert live.watched() == frozenset()


@pytest.mark.asyncio
async def test_who_comes_back_gets_a_snapshot_with_what_was_missed(rollout, devices, cookie):
    async with page(rollout, cookie):
        pass
    await in_a_thread(plant.install)(devices[0], timezone.now())
    async with page(rollout, cookie) as opened:
        assert {"state": "installed", "words": "Installed", "number": 1} in opened.first["counts"]


@pytest.mark.asyncio
async def test_a_page_that_cannot_keep_up_is_told_to_ask_again():
    slow = consumers.DeploymentConsumer()
    slow.waiting = asyncio.Queue(consumers.FRAMES_WAITING)
    for number in range(consumers.FRAMES_WAITING + 1):
        slow._take(json.dumps({"kind": "change", "number": number}))
    assert slow.waiting.qsize() == 1
    assert json.loads(slow.waiting.get_nowait())["more"] is True


# How much


def test_a_reading_tells_each_version_of_a_row_once(rollout):
    reading = live.Reading(rollout.pk, plant.NOON)
    first, second = (reading.next(plant.after(1)) for _ in range(2))
    assert len(first["instances"]) == 3
    assert second["kind"] == "beat"


def test_a_countdown_is_no_news_until_its_words_are_others(rollout):
    reading = live.Reading(rollout.pk, plant.NOON)
    kinds = [reading.next(plant.after(seconds))["kind"] for seconds in (1, 6, 11, 400)]
    assert kinds == ["change", "beat", "beat", "change"]


def test_a_row_committed_late_is_told_within_the_overlap(rollout, devices):
    reading = live.Reading(rollout.pk, plant.NOON)
    reading.next(plant.after(10))
    Instance.objects.filter(device=devices[0]).update(changed_at=plant.after(6), changes=50)
    late = reading.next(plant.after(11))
    assert [row["v"] for row in late["instances"]] == [50]


def test_a_frame_is_bounded_and_says_that_there_is_more(rollout, devices, monkeypatch):
    monkeypatch.setattr(frames, "ROWS_PER_FRAME", 2)
    frame = live.Reading(rollout.pk, plant.NOON).next(plant.NOON)
    assert len(frame["instances"]) == 2
    assert frame["more"] is True


def test_a_reading_costs_the_same_for_more_devices(rollout):
    big = plant.a_rollout([plant.a_device() for _ in range(40)], rollout.version)
    costs = []
    for one in (rollout, big):
        with CaptureQueriesContext(connection) as seen:
            live.Reading(one.pk, plant.NOON).next(plant.NOON)
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_roles_are_what_opens_the_door(rollout):
    """The twin of the refusals above: the same person gets in with a role."""
    person = cast.person(None, "newcomer")
    assert not person.has_perm("deployments.view_deployment")
    assign(person, Role.VIEWER)
    assert User.objects.get(pk=person.pk).has_perm("deployments.view_deployment")
