"""`manage.py import_application PATH…`: imports packages from files and directories."""

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path

from django.core.management.base import BaseCommand
from django.utils import timezone

from applications.archive import MOST_UNPACKED_BYTES
from applications.importing import (
    ImportRefusedError,
    ImportResult,
    import_directory,
    import_package,
)


class Command(BaseCommand):
    """Imports every path it can; the exit code is 1 when one was refused."""

    help = "Import application packages: margo.yaml, .tar.gz, .zip, or a directory with one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help="print one JSON object per package")

    def handle(self, *, paths: list[Path], json: bool, **_options: object) -> None:
        now = timezone.now()
        imported = [self._import(path, as_json=json, now=now) for path in paths]
        if not all(imported):
            raise SystemExit(1)

    def _import(self, path: Path, *, as_json: bool, now: datetime) -> bool:
        try:
            result = _import_path(path, now)
        except ImportRefusedError as refusal:
            self.stderr.write(str(refusal))
            return False
        self.stdout.write(_as_json(path, result) if as_json else _as_text(result))
        return True


def _import_path(path: Path, now: datetime) -> ImportResult:
    if path.is_dir():
        return import_directory(path, actor=None, now=now)
    # Opening a pipe that nobody writes to would wait for ever.
    if path.exists() and not path.is_file():
        raise ImportRefusedError(f"{path}: it is neither a file nor a directory.")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_UNPACKED_BYTES + 1)
    except OSError as error:
        raise ImportRefusedError(f"{path}: {error.strerror or 'cannot be read'}.") from error
    return import_package(data, str(path), actor=None, now=now)


def _as_text(result: ImportResult) -> str:
    outcome = "imported" if result.created else "was already here"
    warnings = (f"  warning: {warning}" for warning in result.warnings)
    return "\n".join([f"{result.version} {outcome}.", *warnings])


def _as_json(path: Path, result: ImportResult) -> str:
    return json.dumps(
        {
            "path": str(path),
            "application": result.version.application.app_id,
            "version": result.version.version,
            "digest": result.version.digest,
            "created": result.created,
            "warnings": list(result.warnings),
        }
    )
