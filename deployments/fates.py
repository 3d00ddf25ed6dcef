"""What a rollback would mean for each device, asked before anything is done."""

from enum import StrEnum

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, Value, When

from deployments.models import Deployment, Instance, Revision
from deployments.states import RELEASED, Failure, State
from devices.models import Client

#: As many versions are named before a rollback.
VERSIONS_NAMED = 5


class Fate(StrEnum):
    """What a rollback would mean for a device."""

    BACK = "back"
    BARE = "bare"
    TAKEN_BACK = "taken_back"
    SUPERSEDED = "superseded"
    HELD = "held"
    GONE = "gone"
    UNTOUCHED = "untouched"
    SKIPPED = "skipped"
    OVER = "over"


def fates(deployment: Deployment) -> dict[Fate, int]:
    """What a rollback would mean for how many devices, in one query."""
    others = Instance.objects.filter(
        device=OuterRef("device"), application=OuterRef("application"), holds=True
    )
    earlier = Revision.objects.filter(
        workload=OuterRef("workload"), bad_at=None, installed_at__isnull=False, removal=False
    )
    rows = (
        Instance.objects.filter(deployment=deployment)
        .order_by()
        .annotate(
            elsewhere=Exists(others.exclude(deployment=deployment)),
            earlier=Exists(earlier.exclude(deployment=deployment)),
        )
        .annotate(fate=_fate(deployment))
        .values_list("fate")
        .annotate(number=Count("pk"))
    )
    return {Fate(fate): number for fate, number in rows}


def before(deployment: Deployment) -> list[tuple[str, int]]:
    """The versions that a rollback puts back, each with the number of devices, most first."""
    sent = Instance.objects.filter(deployment=deployment, state__in=RELEASED)
    known = sent.filter(restore_to__isnull=False, restore_to__bad_at=None)
    versions = known.order_by().values_list("restore_to__version__version")
    return list(versions.annotate(number=Count("pk")).order_by("-number")[:VERSIONS_NAMED])


def _fate(deployment: Deployment) -> Case:
    """The rules of deployments.moves.restoring, asked before anything is done."""
    wanted = Q(workload__wanted__deployment=deployment, workload__wanted__removal=False)
    published = Q(workload__wanted__target_version__isnull=False)
    restored = Q(workload__wanted__restores__isnull=False)
    below = Q(
        workload__wanted__replaces__deployment=deployment,
        workload__wanted__replaces__removal=False,
    )
    # What was never published is taken back first; what it replaced is then what is wanted.
    ours = wanted & (published | restored | below)
    gone = ~Q(device__client__state=Client.State.ACCEPTED) | Q(device__removed_at__isnull=False)
    before = Q(restore_to__isnull=False) & (Q(restore_to__bad_at=None) | Q(earlier=True))
    over = ~Q(state__in=RELEASED | {State.QUEUED}) | Q(failure=Failure.ROLLBACK_FAILED)
    rules = (
        (Q(state=State.SKIPPED), Fate.SKIPPED),
        (over, Fate.OVER),
        (ours & Q(elsewhere=True), Fate.HELD),
        (ours & gone, Fate.GONE),
        (ours & before, Fate.BACK),
        (ours, Fate.BARE),
        (Q(state=State.QUEUED), Fate.UNTOUCHED),
        (wanted | Q(revision=None), Fate.TAKEN_BACK),
    )
    return Case(
        *(When(rule, then=Value(fate.value)) for rule, fate in rules),
        default=Value(Fate.SUPERSEDED.value),
        output_field=CharField(),
    )
