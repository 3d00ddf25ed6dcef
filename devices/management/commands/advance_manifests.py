"""`manage.py advance_manifests`: after a restore, puts every client's counter ahead."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from devices.desire import advance_counters


class Command(BaseCommand):
    """Exits with 0, or with 1 and a sentence when the number makes no sense."""

    help = (
        "Raises the manifest counter of every client. Devices refuse a manifest whose version does "
        "not go up, so after restoring an older database the counters must pass what was "
        "published since the backup."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Describe the number."""
        parser.add_argument("--by", type=int, required=True, help="how far to raise each counter")

    def handle(self, *args: object, **options: object) -> None:
        """Raise them all in one step."""
        by = int(str(options["by"]))
        if not 1 <= by <= 1_000_000_000:
            raise CommandError("--by must be between 1 and 1000000000.")
        clients = advance_counters(by)
        self.stdout.write(f"The counters of {clients} clients went up by {by}.")
