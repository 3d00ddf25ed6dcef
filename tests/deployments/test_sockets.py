"""Every socket and whom it lets in; the pages have a table of their own in tests/portal."""

import pytest
from channels.db import database_sync_to_async

from accounts.roles import Role
from deployments import consumers
from deployments.routing import websocket_urlpatterns
from tests import cast
from tests.deployments import plant
from tests.deployments.browser_socket import BrowserSocket

pytestmark = pytest.mark.django_db(transaction=True)

#: Where each is, by the name of its route; they let in everybody who has a role.
SOCKETS = {"deployment-live": "/ws/deployments/{deployment}/"}
#: What leads nowhere has no name, and answers everybody alike.
NOWHERE = {None: "/ws/elsewhere/"}


def test_every_socket_has_a_row():
    assert {one.name for one in websocket_urlpatterns} == set(SOCKETS | NOWHERE)


def a_world() -> tuple[int, dict[str, str]]:
    """A deployment, and a session for each role, for somebody without one, and for nobody."""
    people = [*(cast.person(role) for role in Role), cast.person(None)]
    sessions = {one.username: cast.sign_in(one).cookies["sessionid"].value for one in people}
    return plant.a_rollout([plant.a_device()]).pk, {**sessions, "not signed in": ""}


async def closing_code(address: str, session: str) -> int | None:
    """How the door is shut; None: the socket is open."""
    opened = BrowserSocket(address, session)
    answer = await opened.connect()
    await opened.disconnect()
    return answer


@pytest.mark.asyncio
async def test_each_socket_answers_each_role_as_the_table_says():
    deployment, sessions = await database_sync_to_async(a_world)()
    refused = {"nobody": consumers.FORBIDDEN, "not signed in": consumers.FORBIDDEN}
    let_in = dict.fromkeys((role.value for role in Role), None)
    for address in SOCKETS.values():
        place = address.format(deployment=deployment)
        answers = {who: await closing_code(place, session) for who, session in sessions.items()}
        assert answers == let_in | refused, address
    for address in NOWHERE.values():
        answers = {await closing_code(address, session) for session in sessions.values()}
        assert answers == {consumers.GONE}
