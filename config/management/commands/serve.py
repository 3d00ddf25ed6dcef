"""`manage.py serve`: the portal in one process, or one part of it."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config.celery import app
from config.serving import runner, servers, tasks
from config.serving.parts import CannotStartError, Part

MAKERS: dict[str, Callable[[], Part]] = {
    # The servers come first: a taken port is found before anything runs.
    "web": servers.web,
    "devices": servers.devices,
    "worker": lambda: tasks.worker(app),
    "beat": lambda: tasks.beat(app),
}


class Command(BaseCommand):
    """Exits with 0 after SIGINT or SIGTERM, with 1 when it cannot start or a part fails."""

    help = "Runs the portal: everything in one process, or one part of it beside others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the parts."""
        parser.add_argument("part", nargs="?", default="all", choices=["all", *MAKERS])

    def handle(self, *args: object, **options: object) -> None:
        """Run until a signal comes."""
        names = list(MAKERS) if options["part"] == "all" else [str(options["part"])]
        check_that_parts_can_meet(names)
        check_migrations()
        try:
            parts = [MAKERS[name]() for name in names]
        except CannotStartError as refusal:
            raise CommandError(str(refusal)) from refusal
        sys.exit(runner.run(parts, lambda: self._announce(parts)))

    def _announce(self, parts: list[Part]) -> None:
        for part in parts:
            place = f" on {part.host}:{part.port}" if isinstance(part, servers.Server) else ""
            self.stdout.write(f"The {part.name} runs{place}.")
        self.stdout.flush()


def check_that_parts_can_meet(names: list[str]) -> None:
    """Refuse parts in several processes without the Redis that would join them."""
    if len(names) == 1 and not settings.REDIS_URL:
        raise CommandError(
            "Parts in processes of their own meet in Redis: set LINESIDE_REDIS_URL, or run "
            "everything in one process with `manage.py serve`."
        )


def check_migrations() -> None:
    """Refuse a database that is away, or older than the code."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise CommandError(f"The database cannot be reached: {error}") from error
    finally:
        connection.close()
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migrations: run `manage.py migrate`, then again."
        )
