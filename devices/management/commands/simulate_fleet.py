"""A simulated fleet against this portal: makes it ready, then runs it as a program of its own."""

import math
import signal
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from devices.fleet_setup import prepare_fleet, start_fleet
from devices.management import refusals
from devices.simulator.flags import add_flags

_DEVICES = 10


class Command(BaseCommand):
    """Ends when the fleet ends; SIGINT and SIGTERM end both."""

    help = "Runs simulated devices that speak the real protocol to this portal."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the simulator's own flags, and where the fleet lives."""
        parser.add_argument(
            "--fleet",
            type=Path,
            default=settings.DATA_DIR / "fleet",
            help="the fleet's folder (fleet in the data directory)",
        )
        parser.add_argument("--prefix", default="edge", help="how the clients' names begin (edge)")
        add_flags(parser)

    def handle(self, *args: object, **options: object) -> None:
        """Prepare and run."""
        fleet, flags = options["fleet"], {"devices": _DEVICES, **options}
        assert isinstance(fleet, Path)
        self._prepare(fleet, _clients(flags), str(options["prefix"]))
        with _ended_by_signals(start_fleet(fleet, flags)) as program:
            code = program.wait()
        if code != 0:
            raise CommandError(f"The fleet ended with code {code}.", returncode=code)

    def _prepare(self, fleet: Path, clients: int, prefix: str) -> None:
        with refusals.in_sentences():
            names = prepare_fleet(fleet, clients=clients, prefix=prefix, now=timezone.now())
        self.stdout.write(f"{names[0]} to {names[-1]} are ready in {fleet}.")


def _clients(flags: dict[str, object]) -> int:
    devices, per_client = flags["devices"], flags.get("devices_per_client", 1)
    assert isinstance(devices, int)
    assert isinstance(per_client, int)
    if devices < 1 or per_client < 1:
        raise CommandError("A fleet has at least one device, and a client at least one.")
    return math.ceil(devices / per_client)


@contextmanager
def _ended_by_signals(program: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    def end(number: int, frame: FrameType | None) -> None:
        program.terminate()

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield program
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
