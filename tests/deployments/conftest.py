"""A listener with the whole device interface, its clients, and people who look at pages."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from pytest_django import DjangoDbBlocker

from deployments import loop, southbound
from devices.southbound import capabilities
from tests import cast
from tests.deployments import talk
from tests.deployments.browser_socket import cookie_of
from tests.deployments.talk import Press
from tests.wire import Wire, wired


@pytest.fixture(scope="module")
def listener(
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Wire]:
    """Serve while a module's tests run; starting anew for each would take long."""
    routes = [*capabilities.ROUTES, *southbound.ROUTES]
    with django_db_blocker.unblock(), wired(tmp_path_factory.mktemp("wire"), routes) as running:
        yield running


@pytest.fixture
def wire(listener: Wire, transactional_db: None) -> Wire:
    """Return the module's listener, with an empty database behind it."""
    return listener


@pytest.fixture
def bell():
    """Lets the test's own event loop be the one on which bells ring."""
    yield lambda: loop.set_loop(asyncio.get_running_loop())
    loop.set_loop(None)


@pytest.fixture
def cookie():
    """The session of a viewer who is signed in."""
    return cookie_of(cast.viewer())


@pytest.fixture
def edge(wire: Wire) -> Iterator[httpx.Client]:
    """A client that is let in, and has no device yet."""
    with wire.client("line-4") as client:
        yield client


@pytest.fixture
def press(wire: Wire) -> Iterator[Press]:
    """A client that polled, with one device that was told to run something."""
    with wire.client("line-4") as edge:
        (device,) = talk.a_plant(wire, "press-1")
        edge.get(talk.MANIFEST)
        yield Press(edge, device, talk.uid_of(device))


@pytest.fixture
def browser():
    """An operator who is signed in."""
    return cast.sign_in(cast.operator())
