"""What holds for all tests."""

import pytest
from django.db import connections


@pytest.fixture(scope="session", autouse=True)
def _connections_end_with_their_work() -> None:
    """A thread that keeps its connection for later would keep the test database from going."""
    connections.settings["default"]["CONN_MAX_AGE"] = 0
