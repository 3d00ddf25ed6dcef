"""How a maintenance command is run for this very portal, as a line to copy."""

import os
import shlex
import sys
from pathlib import Path

from django.conf import settings


def manage(*arguments: str) -> str:
    """The command line, to be run in the folder of `manage.py`.

    Names this process's own Python and, unless it is the usual one, its data directory: another
    Python would lack the packages, and another directory holds another identity.
    """
    words = [_shortest(Path(sys.executable)), "manage.py", *arguments]
    line = shlex.join(words)
    if settings.DATA_DIR == settings.BASE_DIR / "data":
        return line
    return f"LINESIDE_DATA_DIR={shlex.quote(_shortest(settings.DATA_DIR))} {line}"


def _shortest(path: Path) -> str:
    """Relative to the checkout where it lies in there."""
    inside = os.path.relpath(path, settings.BASE_DIR)
    return str(path) if inside.startswith("..") else inside
