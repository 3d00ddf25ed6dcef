"""`manage.py demo`: the embedded portal with a simulated fleet, from nothing to a page at once."""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.celery import app
from config.demo import ports, preparing
from config.demo.fleet import Fleet
from config.serving import runner, servers, tasks
from config.serving.parts import CannotStartError, Part
from devices.shell import manage


class Command(BaseCommand):
    """Ctrl-C stops everything and leaves the data, with which the next demo goes on."""

    help = "Sets up and runs a portal with a simulated fleet, to try it."

    def handle(self, *args: object, **options: object) -> None:
        """Run until a signal comes."""
        try:
            if ports.READY not in os.environ:
                self._begin_again_with_own_settings()
            with preparing.take_directory(settings.DATA_DIR):
                code = self._run()
        except CannotStartError as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            sys.exit("Interrupted while preparing; the next demo goes on from here.")
        sys.exit(code)

    def _begin_again_with_own_settings(self) -> None:
        # Settings are read once, when a process starts; so this one starts once more.
        environment = ports.surroundings(settings.BASE_DIR)
        for sentence in ports.moved(environment):
            self.stdout.write(sentence)
        self.stdout.flush()
        manage = str(Path(settings.BASE_DIR) / "manage.py")
        os.execve(sys.executable, [sys.executable, manage, "demo"], environment)

    def _run(self) -> int:
        # The ports are bound first: nothing is prepared for a demo that cannot start.
        web = servers.web()
        self.stdout.write("Preparing the demo ...")
        self.stdout.flush()
        passwords = preparing.prepare(timezone.now())
        devices, worker, beat = servers.devices(), tasks.worker(app), tasks.beat(app)
        parts: list[Part] = [web, devices, worker, beat, Fleet()]
        showing: list[asyncio.Task[None]] = []
        show = self._show_when_ready(web, passwords)
        return runner.run(parts, lambda: showing.append(asyncio.create_task(show)))

    async def _show_when_ready(self, web: servers.Server, passwords: dict[str, str]) -> None:
        await _page_answers(web)
        people = "\n".join(f"  {name:<10}{password}" for name, password in passwords.items())
        self.stdout.write(
            f"\nLineside runs at {settings.LINESIDE_URL}/ with {preparing.DEVICES} simulated "
            f"devices. Sign in as one of\n\n{people}\n\nCtrl-C stops it; the data stays in "
            f"{settings.DATA_DIR}.\nCommands for it: {manage('COMMAND')}"
        )
        self.stdout.flush()


async def _page_answers(web: servers.Server) -> None:
    """Wait for the page where people sign in; the port is open already, so this waits for it."""
    reader, writer = await asyncio.open_connection(web.host, web.port)
    site = urlsplit(settings.LINESIDE_URL).netloc
    writer.write(f"GET /login/ HTTP/1.1\r\nHost: {site}\r\nConnection: close\r\n\r\n".encode())
    status = await reader.readline()
    writer.close()
    if int(status.split()[1]) >= 400:
        raise CannotStartError(f"The first page was answered with {status.decode().strip()}.")
