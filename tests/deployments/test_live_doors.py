"""Who may open the socket of the live page, from where, and who loses it again."""

import asyncio
from contextlib import suppress

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.test import Client as Browser
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role, assign
from deployments import consumers, doubts, live
from tests import cast
from tests.deployments import plant
from tests.deployments.browser_socket import (
    BrowserSocket,
    answer,
    closing_code,
    cookie_of,
    in_a_thread,
    page,
    socket,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rollout():
    return plant.a_rollout([plant.a_device() for _ in range(3)])


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


def test_roles_are_what_opens_the_door(rollout):
    """The twin of the refusals above: the same person gets in with a role."""
    person = cast.person(None, "newcomer")
    assert not person.has_perm("deployments.view_deployment")
    assign(person, Role.VIEWER)
    assert User.objects.get(pk=person.pk).has_perm("deployments.view_deployment")


class Deaf(InMemoryChannelLayer):
    """Loses a cancellation that comes while it joins a group, as Redis does before Python 3.12."""

    async def group_add(self, group, channel):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
        await super().group_add(group, channel)


@pytest.mark.asyncio
async def test_the_last_page_that_leaves_ends_the_hub_also_while_it_begins(rollout, monkeypatch):
    monkeypatch.setattr(live, "get_channel_layer", Deaf)
    live.join(rollout.pk, print)
    await asyncio.sleep(0.05)
    leaving = asyncio.create_task(live.leave(rollout.pk, print))
    await asyncio.wait({leaving}, timeout=3)
    assert leaving.done()
    assert not live.watched()
    assert [one.get_name() for one in asyncio.all_tasks() if "hub" in one.get_name()] == []
