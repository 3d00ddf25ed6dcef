"""What deployments add to the pages of others: the dashboard, an application, a group, a list.

What they add to a device's page is in `device_panels`.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.panels import Column, Place, register, register_column
from applications.models import Application
from deployments import device_panels, queries
from deployments.listing import line, may_create
from deployments.models import Workload
from devices.groups import members_of
from devices.models import DeviceGroup

#: Rows of a panel; the lists have the rest.
SHOWN = 10


@dataclass(frozen=True, slots=True)
class VersionCount:
    """On how many devices a version is installed, and when one of them reported last."""

    application: str
    version: str
    number: int
    newest: datetime | None


def fill() -> None:
    """Registers the panels; called once when the app is ready."""
    register(Place.DASHBOARD, in_progress)
    register(Place.APPLICATION, where_deployed)
    register(Place.DEVICE, device_panels.workloads)
    register(Place.DEVICE, device_panels.deployments)
    register(Place.DEPARTURE, device_panels.departing)
    register(Place.GROUP, what_runs)
    register_column(
        Place.APPLICATIONS,
        Column(
            "installed_on",
            "Installed on",
            Count("workloads", filter=~Q(workloads__installed=None), distinct=True),
            lambda number: "no device" if not number else f"{number} devices",
        ),
    )
    register_column(
        Place.DEVICES,
        Column("applications_installed", "Applications", device_panels.installed_on(), _number),
    )


def in_progress(request: HttpRequest, shown: object | None) -> SafeString | None:
    """What waits for a decision of somebody, what is rolling out, and what is ready to start."""
    if not _may_see(request):
        return None
    return _render(
        "in_progress",
        request,
        lines=[line(deployment) for deployment in queries.in_progress()[:SHOWN]],
        may_create=may_create(request),
    )


def where_deployed(request: HttpRequest, shown: object | None) -> SafeString | None:
    """On how many devices which version of the application runs, and its newest deployments."""
    if not isinstance(shown, Application) or not _may_see(request):
        return None
    recent = queries.for_list().filter(version__application=shown)[:SHOWN]
    return _render(
        "where_deployed",
        request,
        versions=by_version(Workload.objects.filter(application=shown)),
        lines=[line(deployment) for deployment in recent],
        application=shown,
    )


def what_runs(request: HttpRequest, shown: object | None) -> SafeString | None:
    """Which applications run on how many devices of a group."""
    if not isinstance(shown, DeviceGroup) or not _may_see(request):
        return None
    of_members = Workload.objects.filter(device__in=members_of(shown).values("pk"))
    return _render("what_runs", request, versions=by_version(of_members))


def by_version(found: QuerySet[Workload]) -> list[VersionCount]:
    """How many devices have which version installed, the widest first."""
    installed = found.exclude(installed=None).order_by()
    named = installed.values("application__name", "installed__version__version")
    counted = named.annotate(number=Count("pk"), newest=Max("reported_at"))
    rows = counted.order_by("-number", "application__name").values_list(
        "application__name", "installed__version__version", "number", "newest"
    )
    return [VersionCount(*row) for row in rows]


def _number(counted: object) -> str:
    return str(counted) if counted else "–"


def _may_see(request: HttpRequest) -> bool:
    return request.user.has_perm("deployments.view_deployment")


def _render(name: str, request: HttpRequest, **context: object) -> SafeString:
    whole = {"now": timezone.now(), **context}
    return render_to_string(f"deployments/panels/{name}.html", whole, request)
