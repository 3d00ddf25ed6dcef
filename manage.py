#!/usr/bin/env python
"""Lineside's maintenance commands."""

import os
import sys

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError
except ModuleNotFoundError:
    sys.exit(
        "This Python lacks the packages of Lineside: `make demo` once puts them into .venv, "
        "then run .venv/bin/python manage.py"
    )


def run(words: list[str]) -> None:
    """Carry out a command; what keeps it from starting is told in one sentence, exit code 1.

    With --traceback the whole story is told, as Django's own commands do.
    """
    try:
        execute_from_command_line(words)
    except (ImproperlyConfigured, DatabaseError, InterfaceError) as error:
        if "--traceback" in words:
            raise
        sys.exit(_sentence(error))


def _sentence(error: Exception) -> str:
    reason = " ".join(str(error).split())
    if isinstance(error, ImproperlyConfigured):
        return reason
    return f"The database cannot be used ({reason}). Is it there, and was migrate run?"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    run(sys.argv)
