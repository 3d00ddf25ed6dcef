"""New revisions become what devices shall run, and instances are tied to them.

Each row is written once: with ten thousand devices, a second write of the same rows is a quarter of
a second that every device waits for.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast

from deployments.models import Instance, Revision, Workload
from deployments.moves.locks import lock_instances
from deployments.rows import Source, update_from
from deployments.states import State

#: Percent of the bar where a device fetched what is to be undone: it may have begun with it, even
#: if it has not said a word yet.
BEGUN = 1


def newest_revision() -> int:
    """The key above which those of the revisions will be that are made from now on."""
    return Revision.objects.aggregate(newest=Max("pk"))["newest"] or 0


def made_since(newest: int, now: datetime) -> QuerySet[Revision]:
    """The unpublished revisions that were just made, found by their keys alone."""
    return Revision.objects.filter(
        pk__gt=newest, created_at=now, target_version=None, withdrawn_at=None
    ).order_by()


def want(made: QuerySet[Revision]) -> int:
    """Revisions that follow the wanted ones become the wanted ones themselves; how many did."""
    following = made.filter(
        Q(replaces=F("workload__wanted")) | Q(replaces=None, workload__wanted=None)
    )
    values: dict[str, Source] = {"pk": F("workload_id"), "wanted": F("pk")}
    return update_from(Workload, values, following)


def release(queued: QuerySet[Instance], now: datetime) -> int:
    """queued → pending, tied to the revision that is wanted now; answers how many.

    At the first release it notes what ran there before. What a rollback puts back is the last
    revision that the device reported installed, stepping past those that were rolled back on it.
    """
    # Queued instances are written under the deployment's lock only, so nobody else is at them.
    theirs = queued.filter(state=State.QUEUED, device__workloads__application=F("application"))
    good_before = Case(
        When(device__workloads__installed__bad_at=None, then=F("device__workloads__installed_id")),
        default=_newest_good("device__workloads"),
    )
    values: dict[str, Source] = {
        "workload": F("device__workloads__pk"),
        "revision": F("device__workloads__wanted_id"),
        "restore_to": Case(When(attempts=0, then=good_before), default=F("restore_to_id")),
        "state": _text(State.PENDING.value),
        "attempts": F("attempts") + 1,
    }
    return _write(theirs, values, now)


def step_past_bad(instances: QuerySet[Instance], content: str) -> int:
    """Where the revision to put back was rolled back itself: the last good one before it.

    `content` is what is rolled back now.
    """
    bad = instances.filter(Q(restore_to__bad_at__isnull=False) | Q(restore_to__content=content))
    return bad.update(restore_to=_newest_good("workload", content))


def put_back(instances: QuerySet[Instance], newest: int, now: datetime) -> int:
    """→ removing, tied to the revision that was just made for them; answers how many."""
    # A device that fetches in this moment counts as a change of its own, before or after.
    lock_instances(instances)
    theirs = instances.filter(workload__wanted__pk__gt=newest, workload__wanted__created_at=now)
    values: dict[str, Source] = {
        "revision": F("workload__wanted_id"),
        "state": _text(State.REMOVING.value),
        "progress": Case(When(fetched_at=None, then=0), default=BEGUN),
        "holds": Value(True, output_field=BooleanField()),
    }
    return _write(theirs, values, now)


def _newest_good(workload: str, besides: str = "") -> Subquery:
    good = Revision.objects.filter(
        workload=OuterRef(workload), bad_at=None, installed_at__isnull=False, removal=False
    )
    others = good.exclude(deployment=OuterRef("deployment")).exclude(content=besides)
    newest = others.order_by("-installed_at", "-pk")
    return Subquery(newest.values("pk")[:1])


def _write(theirs: QuerySet[Instance], values: Mapping[str, Source], now: datetime) -> int:
    """Begins anew with each of them, by `values`; answers how many."""
    moment, number = DateTimeField(), IntegerField()
    begun: dict[str, Source] = {
        "pk": F("pk"),
        "released_at": Value(now, output_field=moment),
        "fetched_at": Cast(Value(None), moment),
        "ended_at": Cast(Value(None), moment),
        "failure": _text(""),
        "last_error": _text(""),
        "progress": Value(0, output_field=number),
        "progress_words": _text("Waiting for the device to ask"),
        "changed_at": Value(now, output_field=moment),
        "changes": F("changes") + 1,
    }
    return update_from(Instance, {**begun, **values}, theirs.order_by())


def _text(words: str) -> Value:
    return Value(words, output_field=CharField())
