"""A listener with the routes of the devices app, against the test database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.southbound import capabilities
from tests.wire import Wire, wired


@pytest.fixture
def wire(transactional_db: None, tmp_path: Path) -> Iterator[Wire]:
    with wired(tmp_path, capabilities.ROUTES) as running:
        yield running
