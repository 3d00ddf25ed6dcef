"""What deployments add to a device's page: its workloads with their past, and its deployments."""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from deployments import past
from deployments.models import Instance, StatusReport, Workload
from deployments.past import LINES, RevisionWithTime, WorkloadWithPast
from deployments.states import STATE_LOOKS, STATUS_WORDS, Look, State, Status, Tone
from devices.models import Client, Device

#: Deployments on one page of the panel, and workloads on the device's page.
SHOWN = 10
MOST_WORKLOADS = 50
#: How a workload appears by what was last reported of it.
WORKLOAD_LOOKS: dict[str, Look] = {
    "": Look(Tone.IDLE, "·", "Nothing reported"),
    Status.PENDING: Look(Tone.RUN, "↓", STATUS_WORDS[Status.PENDING]),
    Status.INSTALLING: STATE_LOOKS[State.INSTALLING],
    Status.INSTALLED: STATE_LOOKS[State.INSTALLED],
    Status.FAILED: STATE_LOOKS[State.FAILED],
    Status.REMOVING: Look(Tone.WARN, "◌", STATUS_WORDS[Status.REMOVING]),
    Status.REMOVED: Look(Tone.IDLE, "⊘", STATUS_WORDS[Status.REMOVED]),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A revision as the history shows it: what became of it, in words."""

    revision: RevisionWithTime
    look: Look


@dataclass(frozen=True, slots=True)
class Said:
    """A report as the history shows it."""

    report: StatusReport
    look: Look


@dataclass(frozen=True, slots=True)
class Told:
    """A workload with its newest revisions and reports; `more_…` says that there are older ones."""

    workload: WorkloadWithPast
    look: Look
    error: str
    given: list[Given]
    said: list[Said]
    more_given: bool
    more_said: bool


def workloads(request: HttpRequest, shown: object | None) -> SafeString | None:
    """What runs on a device, what shall run there, and what did before."""
    if not isinstance(shown, Device) or not _may_see(request):
        return None
    all_of_them = past.workloads().filter(device=shown).order_by("application__name", "pk")
    found = list(all_of_them[: MOST_WORKLOADS + 1])
    return _render(
        "workloads",
        request,
        rows=_told(found[:MOST_WORKLOADS]),
        more=len(found) > MOST_WORKLOADS,
        lines=LINES,
        may_roll_back=may_roll_back(request),
        is_here=shown.removed_at is None and shown.client.state == Client.State.ACCEPTED,
    )


def deployments(request: HttpRequest, shown: object | None) -> SafeString | None:
    """The deployments a device is or was in, a page of them."""
    if not isinstance(shown, Device) or not _may_see(request):
        return None
    page = Paginator(past.parts_in_deployments(shown), SHOWN).get_page(request.GET.get("in"))
    return _render("in_deployments", request, page=page)


def departing(request: HttpRequest, shown: object | None) -> SafeString | None:
    """What it means for running deployments that devices leave the fleet."""
    if not isinstance(shown, QuerySet) or not _may_see(request):
        return None
    running = Instance.objects.filter(holds=True, device__in=shown.order_by().values("pk"))
    counts = running.aggregate(
        deployments=Count("deployment", distinct=True), devices=Count("device", distinct=True)
    )
    return _render("departing", request, **counts)


def installed_on() -> Subquery:
    """How many applications a device reported installed: counted for the shown rows alone."""
    installed = Workload.objects.filter(device=OuterRef("pk")).exclude(installed=None).order_by()
    return Subquery(installed.values("device").annotate(number=Count("pk")).values("number"))


def may_roll_back(request: HttpRequest) -> bool:
    """Whether the person may put a single device back."""
    wanted = ("deployments.add_deployment", "deployments.roll_out_deployment")
    return request.user.has_perms(wanted)


def _told(found: list[WorkloadWithPast]) -> list[Told]:
    these = Workload.objects.filter(pk__in=[workload.pk for workload in found])
    given, said = past.revisions(these), past.reports(these)
    return [_one(one, given.get(one.pk, []), said.get(one.pk, [])) for one in found]


def _one(
    workload: WorkloadWithPast, given: list[RevisionWithTime], said: list[StatusReport]
) -> Told:
    failed = workload.state == Status.FAILED
    counted = (report.error for report in said if report.counted and report.error)
    return Told(
        workload,
        WORKLOAD_LOOKS[workload.state],
        error=next(counted, "It gave no reason.") if failed else "",
        given=[Given(one, _look(one, workload)) for one in given[:LINES]],
        said=[Said(one, WORKLOAD_LOOKS[one.state]) for one in said[:LINES]],
        more_given=len(given) > LINES,
        more_said=len(said) > LINES,
    )


def _look(revision: RevisionWithTime, workload: WorkloadWithPast) -> Look:
    """What became of a revision."""
    if revision.withdrawn_at:
        return Look(Tone.IDLE, "⊘", "Taken back unsent")
    if revision.bad_at:
        return Look(Tone.WARN, "↩", "Rolled back")
    if revision.removal:
        return Look(Tone.IDLE, "⊘", "Removal")
    if revision.pk == workload.installed_id:
        return Look(Tone.OK, "✓", "Installed")
    if revision.pk == workload.wanted_id:
        return Look(Tone.RUN, "▸", "Wanted now")
    if revision.installed_at:
        return Look(Tone.IDLE, "⇥", "Replaced")
    return Look(Tone.IDLE, "·", "Never installed")


def _may_see(request: HttpRequest) -> bool:
    return request.user.has_perm("deployments.view_deployment")


def _render(name: str, request: HttpRequest, **context: object) -> SafeString:
    whole = {"now": timezone.now(), **context}
    return render_to_string(f"deployments/panels/{name}.html", whole, request)
