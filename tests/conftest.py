"""What holds for all tests."""

import math

import pytest
from django.db import connections


@pytest.fixture(scope="session", autouse=True)
def _connections_end_with_their_work() -> None:
    """A thread that keeps its connection for later would keep the test database from going."""
    connections.settings["default"]["CONN_MAX_AGE"] = 0


@pytest.fixture(autouse=True)
def _a_look_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with something else must not end the engine's look half-way."""
    monkeypatch.setattr("deployments.engine.TURN_SECONDS", math.inf)
