"""Moves of instances: one by a report, many by a batch, a cancel or a limit."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from deployments.models import Deployment, Instance, Workload
from deployments.rows import Source, update_from
from deployments.states import IN_FLIGHT, Failure, State

#: So many misfits, each with a reason of its own, are written by one statement.
MISFITS_AT_ONCE = 300
#: Percent of the bar for what was observed; installing lies between FETCHED and 100.
PUBLISHED, FETCHED, INSTALLED = 15, 35, 100


def release(queued: QuerySet[Instance], now: datetime) -> int:
    """queued → pending for instances that are bound to their revisions; answers how many."""
    return _write(
        queued.filter(state=State.QUEUED),
        now,
        state=State.PENDING.value,
        released_at=now,
        attempts=F("attempts") + 1,
        progress=0,
        progress_words="Waiting for the device to ask",
    )


def bind_workloads(queued: QuerySet[Instance]) -> int:
    """Ties queued instances to the workload of their device, and notes what ran there before."""
    theirs = queued.order_by().filter(device__workloads__application=F("application"))
    values: dict[str, Source] = {
        "pk": F("pk"),
        "workload": F("device__workloads__pk"),
        "restore_to": F("device__workloads__installed"),
    }
    return update_from(Instance, values, theirs)


def bind_revisions(queued: QuerySet[Instance]) -> int:
    """Ties queued instances to the unpublished revision that their deployment made for them."""
    made = queued.order_by().filter(
        workload__revisions__deployment=F("deployment"),
        workload__revisions__target_version=None,
        workload__revisions__withdrawn_at=None,
    )
    values: dict[str, Source] = {"pk": F("pk"), "revision": F("workload__revisions__pk")}
    return update_from(Instance, values, made)


def skip_satisfied(queued: QuerySet[Instance], content: str, now: datetime) -> int:
    """queued → skipped where the device already runs exactly this content."""
    satisfied = Workload.objects.filter(
        device=OuterRef("device"),
        application=OuterRef("application"),
        wanted__content=content,
        installed=F("wanted"),
        state="installed",
    )
    return _write(
        queued.filter(Exists(satisfied)),
        now,
        state=State.SKIPPED.value,
        ended_at=now,
        progress=INSTALLED,
        progress_words="Already runs this version with these parameters",
    )


def skip_misfits(instances: QuerySet[Instance], reasons: Mapping[int, str], now: datetime) -> None:
    """queued → skipped for targets that cannot run the profile; `reasons` by device id."""
    queued = instances.filter(state=State.QUEUED)
    for chunk in _chunks(reasons):
        reason = Case(*(When(device=pk, then=Value(text)) for pk, text in chunk))
        _write(
            queued.filter(device__in=[pk for pk, _ in chunk]),
            now,
            state=State.SKIPPED.value,
            ended_at=now,
            progress_words="Does not fit",
            last_error=reason,
        )


def _chunks(reasons: Mapping[int, str]) -> Iterator[list[tuple[int, str]]]:
    entries = list(reasons.items())
    for start in range(0, len(entries), MISFITS_AT_ONCE):
        yield entries[start : start + MISFITS_AT_ONCE]


def cancel_unpublished(deployment: Deployment, now: datetime) -> int:
    """queued → cancelled, and pending → cancelled where the revision was taken back."""
    mine = Instance.objects.filter(deployment=deployment)
    words = {"state": State.CANCELLED.value, "ended_at": now, "progress_words": "Never sent"}
    cancelled = _write(mine.filter(state=State.QUEUED), now, **words)
    taken_back = mine.filter(state=State.PENDING).exclude(revision__withdrawn_at=None)
    return cancelled + _write(taken_back, now, **words)


def give_up(instances: QuerySet[Instance], failure: Failure, words: str, now: datetime) -> int:
    """In flight → failed for instances that took too long; answers how many."""
    return _write(
        instances.filter(state__in=IN_FLIGHT),
        now,
        state=State.FAILED.value,
        failure=failure.value,
        last_error=words,
        ended_at=now,
        unjudged=True,
    )


def let_go(deployment: Deployment) -> int:
    """Ends the hold of a finished deployment on its devices' applications."""
    return Instance.objects.filter(deployment=deployment, holds=True).update(holds=False)


def saw_manifest(revisions: list[int], version: int, now: datetime) -> int:
    """Notes that the client holds the manifest with these revisions."""
    unseen = Instance.objects.filter(
        revision__in=revisions, state=State.PENDING, progress__lt=PUBLISHED, holds=True
    )
    words = f"Knows about it (manifest {version})"
    return _write(unseen, now, progress=PUBLISHED, progress_words=words)


def fetched(revisions: list[int], now: datetime) -> list[int]:
    """Notes the first fetch of these revisions' content; answers the deployments concerned."""
    unfetched = Instance.objects.filter(
        revision__in=revisions, fetched_at=None, holds=True, state__in=IN_FLIGHT
    )
    found = list(unfetched.order_by("pk").values_list("pk", "deployment_id"))
    if found:
        waiting = unfetched.filter(pk__in=[pk for pk, _ in found])
        _write(waiting, now, fetched_at=now, unjudged=True)
        fresh = waiting.model.objects.filter(
            pk__in=[pk for pk, _ in found], progress__lt=FETCHED, state=State.PENDING
        )
        _write(fresh, now, progress=FETCHED, progress_words="Fetched the new version")
    return sorted({deployment for _, deployment in found})


def observe(
    instance: Instance,
    state: State,
    *,
    now: datetime,
    progress: int,
    words: str,
    failure: Failure | None = None,
    error: str = "",
) -> bool:
    """Takes over what the device reported; False when the instance moved meanwhile.

    The guard names the state that was read: against a cancel or a limit at the same moment one
    of the two wins, and the other is told by its row count.
    """
    same = Instance.objects.filter(pk=instance.pk, state=instance.state, holds=True)
    ended_at = now if state in {State.INSTALLED, State.FAILED} else None
    return bool(
        _write(
            same,
            now,
            state=state.value,
            progress=progress,
            progress_words=words,
            failure=failure.value if failure else "",
            last_error=error,
            ended_at=ended_at,
            unjudged=True,
        )
    )


def _write(instances: QuerySet[Instance], now: datetime, **values: object) -> int:
    """Every write counts, so that a live page can tell a newer row from an older one."""
    return instances.update(changed_at=now, changes=F("changes") + 1, **values)
