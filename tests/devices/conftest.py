"""A listener with the routes that a test module names, a client of it, and an authority."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pytest_django import DjangoDbBlocker

from devices.identity.authority import Authority
from tests.devices.handshakes import make
from tests.wire import Wire, wired


@pytest.fixture(scope="module")
def listener(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Wire]:
    """Serve the module's `ROUTES` while its tests run; starting anew for each would take long."""
    with (
        django_db_blocker.unblock(),
        wired(tmp_path_factory.mktemp("wire"), request.module.ROUTES) as running,
    ):
        yield running


@pytest.fixture
def wire(listener: Wire, transactional_db: None) -> Wire:
    """Return the module's listener, with an empty database behind it."""
    return listener


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make an authority with all its files."""
    return make(tmp_path / "identity")


@pytest.fixture
def device(wire: Wire) -> Iterator[httpx.Client]:
    """Connect as a client that is let in."""
    with wire.client("line-4") as client:
        yield client
