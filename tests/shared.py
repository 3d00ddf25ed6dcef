"""Where tests find the standard's own material, which is not part of this project."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

Test = TypeVar("Test", bound=Callable[..., object] | type)


def needs_shared(test: Test) -> Test:
    """Marks a test that reads the material beside the checkout; it is skipped without it."""
    missing = pytest.mark.skipif(not SHARED.is_dir(), reason="no material beside the checkout")
    return pytest.mark.needs_shared(missing(test))
