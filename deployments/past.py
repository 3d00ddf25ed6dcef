"""What ran on one device, workload by workload; only reads, the same few queries for any number."""

from typing import TYPE_CHECKING, TypedDict, TypeVar

from django.db.models import F, Model, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber

from deployments.models import Instance, Manifest, Revision, StatusReport, Workload
from devices.models import Device

#: Lines of each workload's history on a page; the rest is only counted.
LINES = 10

Row = TypeVar("Row", bound=Model)


class Before(TypedDict):
    """What `workloads` adds to a row: the key of what ran there before, if anything did."""

    before: int | None


class Published(TypedDict):
    """What `revisions` adds to a row."""

    published_at: object


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    WorkloadWithPast = WithAnnotations[Workload, Before]
    RevisionWithTime = WithAnnotations[Revision, Published]
else:
    WorkloadWithPast, RevisionWithTime = Workload, Revision


def workloads() -> "QuerySet[WorkloadWithPast]":
    """Workloads with what runs there, what shall, and which revision did before.

    That is the newest one that the device reported installed, that was not rolled back there, and
    whose content is not what the device shall run now.
    """
    good = Revision.objects.filter(
        workload=OuterRef("pk"), bad_at=None, installed_at__isnull=False, removal=False
    )
    others = good.exclude(content=OuterRef("wanted__content")).order_by("-installed_at", "-pk")
    return (
        Workload.objects.select_related("application", "device__client", "wanted__version")
        .select_related("wanted__deployment", "installed__version")
        .annotate(before=Subquery(others.values("pk")[:1]))
    )


def revisions(found: QuerySet[Workload]) -> dict[int, list[RevisionWithTime]]:
    """By workload, the newest revisions it was given, each with the time of its publication."""
    published = Manifest.objects.filter(
        client=OuterRef("workload__device__client"), version=OuterRef("target_version")
    )
    rows = Revision.objects.filter(workload__in=found.order_by().values("pk"))
    rows = rows.select_related("version", "deployment").defer("document")
    timed = rows.annotate(published_at=Subquery(published.values("published_at")[:1]))
    return by_workload(timed.alias(place=_place()).filter(place__lte=LINES + 1).order_by("-pk"))


def reports(found: QuerySet[Workload]) -> dict[int, list[StatusReport]]:
    """By workload, the newest reports about it."""
    rows = StatusReport.objects.filter(workload__in=found.order_by().values("pk"))
    rows = rows.select_related("revision__version").alias(place=_place())
    return by_workload(rows.filter(place__lte=LINES + 1).order_by("-pk"))


def _place() -> Window:
    """A row's place among those of its workload, the newest first.

    One more than LINES is taken of each: the last tells that there are older ones.
    """
    return Window(RowNumber(), partition_by=F("workload"), order_by=F("pk").desc())


def by_workload(rows: "QuerySet[Row]") -> dict[int, list[Row]]:
    """The rows sorted by the workload they are about."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.__dict__["workload_id"], []).append(row)
    return found


def parts_in_deployments(device: Device) -> QuerySet[Instance]:
    """The device's part in each deployment that is still listed, newest first."""
    its_own = Instance.objects.filter(device=device, deployment__hidden_at=None)
    return its_own.select_related("deployment__version__application").order_by("-pk")
