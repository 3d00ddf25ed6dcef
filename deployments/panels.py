"""What deployments add to the pages of others: dashboard, application, version, group, a list.

What they add to a device's page is in `device_panels`.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.panels import Column, Place, register, register_column
from applications.models import Application, ApplicationVersion
from deployments import compatibility, device_events, device_panels, queries, standings, timeline
from deployments.lines import line, moving
from deployments.listing import may_create
from deployments.models import Workload
from deployments.states import Stage
from devices.groups import members_of
from devices.models import DeviceGroup

#: Rows of a panel; the lists have the rest.
SHOWN = 10
SEE_DEVICES = "devices.view_device"
#: What a deprecated version keeps from being started.
NOT_STARTED = [stage.value for stage in (Stage.DRAFT, Stage.AWAITING_APPROVAL, Stage.READY)]
#: Rows of what has happened, beside what is happening.
RECENT = 8


@dataclass(frozen=True, slots=True)
class VersionCount:
    """On how many devices a version is installed, and when one of them reported last."""

    application: str
    version: str
    number: int
    newest: datetime | None


def fill() -> None:
    """Registers the panels; called once when the app is ready."""
    register(Place.DASHBOARD, by_stage)
    register(Place.DASHBOARD, in_progress)
    register(Place.DASHBOARD, recently)
    register(Place.APPLICATION, where_deployed)
    register(Place.VERSION, who_can_run_it)
    register(Place.VERSION, where_deployed)
    register(Place.DEPRECATION, what_is_left)
    register(Place.DEVICE, device_panels.workloads)
    register(Place.DEVICE, device_panels.deployments)
    register(Place.DEVICE_EVENTS, device_events.events)
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


def by_stage(request: HttpRequest, shown: object | None) -> SafeString | None:
    """How many deployments wait for somebody or roll out, each number linked to them."""
    if not _may_see(request):
        return None
    return _render("by_stage", request, tiles=standings.counts())


def recently(request: HttpRequest, shown: object | None) -> SafeString | None:
    """What ended lately and how, and the newest lines of all histories."""
    if not _may_see(request):
        return None
    return _render(
        "recently",
        request,
        lines=[line(deployment) for deployment in queries.just_ended()[:RECENT]],
        events=timeline.lines(queries.recent_events()[:RECENT]),
    )


def in_progress(request: HttpRequest, shown: object | None) -> SafeString | None:
    """What waits for a decision of somebody, what is rolling out, and what is ready to start."""
    if not _may_see(request):
        return None
    newest = queries.recent_events().first()
    lines = [line(deployment) for deployment in queries.in_progress()[:SHOWN]]
    return _render(
        "in_progress",
        request,
        lines=lines,
        moving=moving(lines),
        may_create=may_create(request),
        seen=newest.pk if newest else 0,
    )


def where_deployed(request: HttpRequest, shown: object | None) -> SafeString | None:
    """On how many devices an application runs, or one version of it; its newest deployments."""
    if not _may_see(request):
        return None
    if isinstance(shown, Application):
        asked: dict[str, object] = {"application": shown.pk}
        installed, deployments = Q(application=shown), Q(version__application=shown)
    elif isinstance(shown, ApplicationVersion):
        asked = {"application": shown.application_id, "q": shown.version}
        installed, deployments = Q(installed__version=shown), Q(version=shown)
    else:
        return None
    return _render(
        "where_deployed",
        request,
        versions=by_version(Workload.objects.filter(installed)),
        lines=[line(deployment) for deployment in queries.for_list().filter(deployments)[:SHOWN]],
        all_query=urlencode(asked),
    )


def who_can_run_it(request: HttpRequest, shown: object | None) -> SafeString | None:
    """How many devices fit a version's profiles now, and why the others do not."""
    if not isinstance(shown, ApplicationVersion) or not request.user.has_perm(SEE_DEVICES):
        return None
    profiles, rare = compatibility.of(shown)
    return _render("who_can_run_it", request, profiles=profiles, rare=rare)


def what_is_left(request: HttpRequest, shown: object | None) -> SafeString | None:
    """Where a version that is about to be deprecated runs, and which deployments wait with it."""
    if not isinstance(shown, ApplicationVersion) or not _may_see(request):
        return None
    waiting = queries.for_list().filter(version=shown, stage__in=NOT_STARTED).order_by("name")
    return _render(
        "what_is_left",
        request,
        running=Workload.objects.filter(installed__version=shown).count(),
        waiting=waiting[:SHOWN],
        number=waiting.count(),
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
