"""What the demo puts into its data directory; what is there already stays as it is."""

import fcntl
from datetime import datetime
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError

from applications.importing import ImportRefusedError, import_directory
from config.demo import sign_ins
from config.serving.parts import CannotStartError
from devices.fleet_setup import prepare_fleet
from devices.identity.authority import Authority
from devices.identity.errors import IdentityError
from devices.models import DeviceGroup
from devices.onboarding import OnboardingRefusedError

DEVICES = 40
TRUST_DOMAIN = "demo.lineside.example"
GROUPS = (
    ("Berlin", "Every device in Berlin.", "site=berlin"),
    ("Graz", "Every device in Graz.", "site=graz"),
    ("Line 1", "The first line of each site.", "line=1"),
    ("Canaries", "Devices that may try what is new.", "ring=canary"),
)


def take_directory(data_dir: Path) -> IO[str]:
    """Hold the directory for this demo alone, until the file returned is closed.

    Raises `CannotStartError` when another demo has it.
    """
    file = (data_dir / "demo.lock").open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise CannotStartError(
            f"A demo runs in {data_dir} already: stop that one, or set LINESIDE_DATA_DIR to "
            "another folder."
        ) from error
    return file


def prepare(now: datetime) -> dict[str, str]:
    """Bring the directory to a state that can be shown, and return the passwords by name.

    Raises `CannotStartError` with what to do when what lies there cannot be used.
    """
    try:
        call_command("migrate", verbosity=0, interactive=False)
        _prepare_identity(now)
        _import_examples(now)
        _make_groups(now)
        prepare_fleet(settings.DATA_DIR / "fleet", clients=DEVICES, now=now)
        return sign_ins.prepare(settings.DATA_DIR / "sign-ins.txt")
    except (DatabaseError, IdentityError, ImportRefusedError, OnboardingRefusedError) as error:
        raise CannotStartError(_start_afresh(str(error))) from error
    except OSError as error:
        raise CannotStartError(_start_afresh(f"{error.filename}: {error.strerror}")) from error


def _start_afresh(reason: str) -> str:
    return (
        f"What lies in {settings.DATA_DIR} cannot be used: {reason.rstrip('.')}. Remove that "
        "folder to begin with a new one."
    )


def _prepare_identity(now: datetime) -> None:
    directory = settings.IDENTITY_DIR
    if not (directory / "ca.key").exists():
        Authority.create(directory, trust_domain=TRUST_DOMAIN, wfm_id="portal", now=now)
    # The folder may have lain there for a year.
    Authority.load(directory).renew_portal(now)


def _import_examples(now: datetime) -> None:
    for description in sorted((settings.BASE_DIR / "examples").glob("*/margo.yaml")):
        import_directory(description.parent, actor=None, now=now)


def _make_groups(now: datetime) -> None:
    for name, description, selector in GROUPS:
        defaults = {"description": description, "selector": selector, "created_at": now}
        DeviceGroup.objects.get_or_create(name=name, defaults=defaults)
