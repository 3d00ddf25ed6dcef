"""The events on a device's page: what it did and reported, and what people did to it."""

from collections.abc import Iterator
from itertools import zip_longest

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from deployments import past
from deployments.models import StatusReport, Workload
from deployments.states import STATE_LOOKS, State, Status, Tone
from devices import happened
from devices.happened import Happened
from devices.models import Device

#: Lines of the card; what people did stands in the history as well, reports beside their workload.
SHOWN = 10
#: Reports that tell an end; what is on its way to one is told by the workload.
ENDS = {
    Status.INSTALLED: (STATE_LOOKS[State.INSTALLED].tone, "installed"),
    Status.FAILED: (STATE_LOOKS[State.FAILED].tone, "failed"),
    Status.REMOVED: (Tone.IDLE, "removed"),
}
#: So much of an error fits into a line.
LONGEST_ERROR = 200


def events(request: HttpRequest, shown: object | None) -> SafeString | None:
    """Its newest events as one list; what people did is for those who may see the history."""
    if not isinstance(shown, Device):
        return None
    found: list[Happened] = []
    if request.user.has_perm("deployments.view_deployment"):
        found += reported(shown)
    may_know = request.user.has_perm("admin.view_logentry")
    if may_know:
        found += happened.by_people(shown, SHOWN + 1)
    found += happened.by_itself(shown, timezone.now())
    found.sort(key=lambda one: one.at, reverse=True)
    context = {
        "device": shown,
        "events": found[:SHOWN],
        "more": len(found) > SHOWN,
        "may_know": may_know,
    }
    return render_to_string("deployments/panels/device_events.html", context, request)


def reported(device: Device) -> Iterator[Happened]:
    """What it said lately of how its applications ended; the same said again is not told again."""
    workloads = Workload.objects.filter(device=device)
    names = dict(workloads.order_by().values_list("pk", "application__name"))
    for pk, newest in past.reports(workloads).items():
        counted = [one for one in newest if one.counted]
        for one, before in zip_longest(counted, counted[1:]):
            if Status(one.state) in ENDS and not (before and _same(one, before)):
                yield _told(one, names[pk])


def _same(one: StatusReport, other: StatusReport) -> bool:
    return (one.state, one.revision_id) == (other.state, other.revision_id)


def _told(report: StatusReport, application: str) -> Happened:
    tone, words = ENDS[Status(report.state)]
    version = report.revision.version.version if report.revision else ""
    name = application if report.state == Status.REMOVED else f"{application} {version}".strip()
    error = f": {Truncator(report.error).chars(LONGEST_ERROR)}" if report.error else "."
    return Happened(report.received_at, tone.value, f"{name} {words}{error}")
