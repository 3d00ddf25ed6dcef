"""The cast, signed in."""

import pytest
from django.test import Client as Browser

from tests import cast
from tests.portal import world


@pytest.fixture
def keys(db: None) -> dict[str, int]:
    return world.make()


@pytest.fixture
def viewer(db: None) -> Browser:
    return cast.sign_in(cast.viewer())


@pytest.fixture
def operator(db: None) -> Browser:
    return cast.sign_in(cast.operator())


@pytest.fixture
def admin(db: None) -> Browser:
    return cast.sign_in(cast.admin())
