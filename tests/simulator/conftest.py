"""A trust domain, a fleet manager and a fleet for every test that needs them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.simulator.authority import Authority
from tests.simulator.running import Plant
from tests.simulator.wfm import Wfm


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest_asyncio.fixture
async def wfm(authority: Authority, tmp_path: Path) -> AsyncIterator[Wfm]:
    server = await Wfm(authority.server_context(tmp_path / "wfm")).start()
    yield server
    await server.stop()


@pytest.fixture
def plant(authority: Authority, wfm: Wfm, tmp_path: Path) -> Plant:
    return Plant(authority.make_fleet(tmp_path / "fleet", clients=1), wfm)
