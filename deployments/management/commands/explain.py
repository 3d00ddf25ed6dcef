"""`manage.py explain NAME`: why a deployment stands where it stands, and what it waits for."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from deployments.explaining import Explanation, explain
from deployments.models import Deployment


class Command(BaseCommand):
    """Says what the engine would do now and why; changes nothing."""

    help = (
        "Print what the engine does next with a deployment and why, and what it is waiting for. "
        "Several deployments may have the same name: all of them are explained, newest first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the deployment's name or its number")
        parser.add_argument("--json", action="store_true", help="print one JSON object for each")

    def handle(self, *, name: str, json: bool, **_options: object) -> None:
        now = timezone.now()
        wanted = Q(name=name)
        if name.isascii() and name.isdecimal() and len(name) < 19:
            wanted |= Q(pk=int(name))
        found = list(Deployment.objects.filter(wanted).order_by("-pk"))
        if not found:
            raise CommandError(f"There is no deployment {name}.")
        for deployment in found:
            told = explain(deployment, now=now)
            lines = [_as_json(deployment, told)] if json else _as_text(deployment, told, now)
            for line in lines:
                self.stdout.write(line)


def _as_text(deployment: Deployment, told: Explanation, now: datetime) -> Iterator[str]:
    yield f"{deployment.name} ({deployment.pk}): {deployment.status_words} · {_stage(deployment)}"
    if deployment.trouble:
        yield f"  Trouble: {deployment.trouble}"
    if deployment.held_until and deployment.held_until > now:
        yield f"  Left alone until {deployment.held_until:%Y-%m-%d %H:%M:%S %Z}."
    yield from _listed("Next", told.steps)
    yield from _listed("Waiting for", told.waiting)
    yield from _listed("The end", told.end)


def _listed(title: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield f"  {title}:"
    yield from (f"    {sentence}" for sentence in sentences)


def _stage(deployment: Deployment) -> str:
    return deployment.look.words


def _as_json(deployment: Deployment, told: Explanation) -> str:
    return json.dumps(
        {
            "id": deployment.pk,
            "name": deployment.name,
            "stage": deployment.stage,
            "status": deployment.status,
            "next": told.steps,
            "waiting_for": told.waiting,
            "end": told.end,
            "next_look": told.next_look.isoformat() if told.next_look else None,
            "trouble": deployment.trouble,
        }
    )
