"""The socket of the live page: snapshot first, then what is new, bounded."""

import asyncio
import json
from contextlib import suppress

import pytest
from channels.layers import get_channel_layer
from django.db import OperationalError, transaction
from django.utils import timezone

from deployments import consumers, events, frames, live
from deployments.models import Instance
from deployments.states import Stage, allowed
from tests import cast
from tests.deployments import plant, stages
from tests.deployments.browser_socket import answer, closing_code, in_a_thread, next_news, page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def devices():
    return [plant.a_device() for _ in range(3)]


@pytest.fixture
def rollout(devices):
    return plant.a_rollout(devices)


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
        # A frame has what is new since the last one: the line may come before the stage.
        parts = dict(frame["parts"])
        while not frame["deployment"]["over"]:
            frame = await next_news(opened)
            parts |= frame["parts"]
        assert frame["deployment"]["words"] == "Completed"
        assert frame["deployment"]["actions"] == ["rollback", "delete", "again"]
        assert "Completed: 3 of 3 installed" in parts["timeline"]


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
