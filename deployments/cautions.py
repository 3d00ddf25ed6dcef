"""What makes one think before a deployment is submitted: none of it forbids anything."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Count, F, QuerySet

from applications.models import ApplicationVersion
from deployments import strategy
from deployments.models import Revision, Workload
from deployments.states import Status
from deployments.words import devices as counted
from devices.models import Device
from devices.status import Status as Presence
from devices.status import counts as by_presence


def all_at_once(stored: Mapping[str, object], first: int, fitting: int) -> list[str]:
    """Where the `first` devices to get it are all that can run it, so that none tries it out."""
    if fitting < 2 or first < fitting:
        return []
    which = "Both" if fitting == 2 else f"All {fitting}"
    why = "the canary is all of them" if strategy.has_canary(stored) else "there is no canary"
    return [f"{which} devices get it at once; {why}."]


def sentences(
    devices: QuerySet[Device], version: ApplicationVersion, *, now: datetime
) -> list[str]:
    """A sentence for each: what runs there, what went wrong there, and who is not there."""
    theirs = Workload.objects.filter(
        application=version.application, device__in=devices.order_by().values("pk")
    ).order_by()
    return [
        *_running(theirs, version),
        *_said(f"{version} was rolled back on", rolled_back_on(devices, version)),
        *_drifted(theirs, version),
        *_silent(devices, now),
    ]


def rolled_back_on(devices: QuerySet[Device], version: ApplicationVersion) -> int:
    """On how many of these devices the version is known to be bad."""
    bad = Revision.objects.filter(
        version=version, workload__device__in=devices.order_by().values("pk")
    ).exclude(bad_at=None)
    return bad.order_by().values("workload__device").distinct().count()


def _running(theirs: QuerySet[Workload], version: ApplicationVersion) -> list[str]:
    """Which versions of the application run there, and what becomes of them."""
    running = theirs.exclude(installed=None).values_list("installed__version__version")
    found = sorted(running.annotate(number=Count("pk")), key=lambda one: str(one[0]))
    return [
        f"{counted(number)} {'runs' if number == 1 else 'run'} {name} {_becomes(name, version)}"
        for name, number in found
    ]


def _becomes(name: str, version: ApplicationVersion) -> str:
    if name == version.version:
        return "already: where the parameters are the same, nothing is sent."
    return f"now: {version} takes its place."


def _drifted(theirs: QuerySet[Workload], version: ApplicationVersion) -> list[str]:
    """Where the application was given, and the device last said that it does not run."""
    wanted = theirs.filter(wanted__removal=False, wanted__target_version__isnull=False)
    failed = wanted.filter(state=Status.FAILED).count()
    gone = wanted.filter(state=Status.REMOVED, installed=None).exclude(
        wanted__created_at__gt=F("reported_at")
    )
    name = version.application.name
    return [
        *_said(f"{name} was last reported failed on", failed),
        *_said(f"{name} is wanted, and was reported removed, on", gone.count()),
    ]


def _silent(devices: QuerySet[Device], now: datetime) -> list[str]:
    """Devices that get it later, when they ask again."""
    found = by_presence(devices, now)
    number = found[Presence.OFFLINE] + found[Presence.UNKNOWN]
    are, they_come = ("is", "it comes") if number == 1 else ("are", "they come")
    sentence = f"{counted(number)} {are} offline: what is sent waits until {they_come} back."
    return [sentence] if number else []


def _said(what: str, number: int) -> list[str]:
    return [f"{what} {number} of these devices."] if number else []
