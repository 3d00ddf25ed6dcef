"""Moves of instances: one by a report, many by a batch, a cancel or a limit."""

from datetime import datetime

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from deployments.counting import GONE, silent
from deployments.models import Deployment, Instance, Revision, Workload
from deployments.observing import FETCHED, INSTALLED
from deployments.rows import Source, update_from
from deployments.states import ENDED, IN_FLIGHT, UNDER_WAY, Failure, State

#: Percent of the bar for what was observed; installing lies between FETCHED and 100.
PUBLISHED = 15
#: Instances whose device has something to fetch.
_EXPECTED = UNDER_WAY | {State.REMOVING}


def requeue(failed: QuerySet[Instance], now: datetime) -> int:
    """failed → queued, to be tried again; answers how many."""
    return _write(
        failed.filter(state=State.FAILED),
        now,
        state=State.QUEUED.value,
        ended_at=None,
        fetched_at=None,
        progress=0,
        progress_words="To be tried again",
    )


def skip_satisfied(
    queued: QuerySet[Instance], deployment: Deployment, content: str, now: datetime
) -> int:
    """queued → skipped where the device already runs exactly this content.

    Where it came from an earlier try of this deployment, it counts as installed by it.
    """
    runs_it = Workload.objects.filter(
        device=OuterRef("device"),
        application=OuterRef("application"),
        wanted__content=content,
        installed=F("wanted"),
        state="installed",
    )
    # A look for each, as in `asked_of`; the newest revision of one workload is one row at most.
    satisfied = queued.alias(given_by=Subquery(runs_it.values("wanted__deployment")[:1]))
    satisfied = satisfied.exclude(given_by=None)
    if not satisfied.exists():
        return 0
    words = {"ended_at": now, "progress": INSTALLED}
    ours = satisfied.filter(given_by=deployment.pk, attempts__gt=0)
    values: dict[str, Source] = {"pk": F("pk"), "revision": F("workload__wanted")}
    update_from(Instance, values, ours.order_by())
    installed = {"state": State.INSTALLED.value, "progress_words": "Installed", **words}
    _write(ours, now, failure="", last_error="", **installed)
    skipped = "Already runs this version with these parameters"
    return _write(satisfied, now, state=State.SKIPPED.value, progress_words=skipped, **words)


def requeue_unpublished(deployment: Deployment, now: datetime) -> int:
    """pending or deferred → queued where the revision was taken back; answers how many.

    They were released, and keep the time: failures are weighed against them as before.
    """
    return _write(
        _taken_back(deployment),
        now,
        state=State.QUEUED.value,
        ended_at=None,
        attempts=F("attempts") - 1,
        progress=0,
        progress_words="Taken back before the device knew about it",
    )


def cancel_unpublished(deployment: Deployment, now: datetime) -> int:
    """queued → cancelled, and released → cancelled where the revision was taken back.

    A device that had failed and was to be tried again has still failed, unless it has it after all.
    """
    mine = Instance.objects.filter(deployment=deployment)
    tried = mine.filter(state=State.QUEUED, attempts__gt=0)
    skip_satisfied(tried, deployment, deployment.content, now)
    again = mine.filter(Q(state=State.QUEUED) | Q(pk__in=_taken_back(deployment).values("pk")))
    failed = _write(
        mine.filter(pk__in=asked_of(again, deployment).values("pk")),
        now,
        state=State.FAILED.value,
        failure=Case(When(failure="", then=Value(Failure.FAILED.value)), default=F("failure")),
        ended_at=now,
        progress_words="Failed; it is not tried again",
    )
    # What the device reports about the earlier try counts again.
    values: dict[str, Source] = {"pk": F("pk"), "revision": F("workload__wanted")}
    withdrawn = mine.filter(state=State.FAILED).exclude(revision__withdrawn_at=None)
    update_from(Instance, values, asked_of(withdrawn, deployment).order_by())
    words = {"state": State.CANCELLED.value, "ended_at": now, "progress_words": "Never sent"}
    cancelled = _write(_taken_back(deployment), now, **words)
    return failed + cancelled + _write(mine.filter(state=State.QUEUED), now, **words)


def asked_of(instances: QuerySet[Instance], deployment: Deployment) -> QuerySet[Instance]:
    """Those whose devices shall run what this deployment gave them.

    One look at the wanted revision for each, whatever the database believes about their number:
    joined, ten thousand instances meet ten thousand revisions when its statistics are old.
    """
    wanted = Revision.objects.filter(pk=OuterRef("workload__wanted"), removal=False)
    whose = Subquery(wanted.values("deployment")[:1])
    return instances.alias(asked_by=whose).filter(asked_by=deployment.pk)


def unheld(instances: QuerySet[Instance], deployment: Deployment) -> QuerySet[Instance]:
    """Those whose device's application no other running deployment holds: a look for each."""
    others = Instance.objects.filter(
        device=OuterRef("device"), application=OuterRef("application"), holds=True
    )
    holder = others.exclude(deployment=deployment).order_by().values("pk")[:1]
    return instances.alias(holder=Subquery(holder)).filter(holder=None)


def _taken_back(deployment: Deployment) -> QuerySet[Instance]:
    mine = Instance.objects.filter(deployment=deployment, state__in={State.PENDING, State.DEFERRED})
    return mine.exclude(revision=None).exclude(revision__withdrawn_at=None)


def defer(instances: QuerySet[Instance], now: datetime) -> int:
    """In flight → deferred for devices that do not come; answers how many."""
    return _write(
        instances.filter(state__in=IN_FLIGHT, fetched_at=None),
        now,
        state=State.DEFERRED.value,
        progress_words="Offline: installs when it returns",
    )


def give_up(instances: QuerySet[Instance], failure: Failure, words: str, now: datetime) -> int:
    """In flight → failed for instances that took too long; answers how many.

    One that was being put back has failed to be so, for the same reason.
    """
    ended = {"state": State.FAILED.value, "last_error": words, "ended_at": now, "unjudged": True}
    back = instances.filter(state=State.REMOVING)
    not_back = _write(back, now, failure=Failure.ROLLBACK_FAILED.value, **ended)
    under_way = instances.filter(state__in=UNDER_WAY)
    return not_back + _write(under_way, now, failure=failure.value, **ended)


def give_up_gone(instances: QuerySet[Instance], failure: Failure, words: str, now: datetime) -> int:
    """The same for those whose device has left the fleet, so that nobody waits for it."""
    return give_up(instances.filter(GONE), failure, words, now)


def close(instances: QuerySet[Instance], state: State, words: str, now: datetime) -> int:
    """→ an end that no device has to do anything for, with its reason; answers how many."""
    return _write(
        instances, now, state=state.value, ended_at=now, progress_words=words, unjudged=False
    )


def let_go(deployment: Deployment) -> int:
    """Ends the hold of a finished deployment on its devices' applications."""
    return Instance.objects.filter(deployment=deployment, holds=True).update(holds=False)


def saw_manifest(revisions: list[int], version: int, now: datetime) -> int:
    """Notes that the client holds the manifest with these revisions.

    For a removal that is all there is to fetch. A device that has neither fetched the content nor
    spoken of the application since it last removed it does not have it: the news was lost on its
    way, and about what it never had it will not report.
    """
    waiting = Instance.objects.filter(revision__in=revisions, holds=True, progress__lt=PUBLISHED)
    leaving = waiting.filter(state=State.REMOVING, revision__removal=True, fetched_at=None)
    ended = {"state": State.REMOVED.value, "ended_at": now, "progress_words": "Never had it"}
    _write(silent(leaving.filter(progress=0)), now, progress=INSTALLED, unjudged=True, **ended)
    _write(leaving, now, fetched_at=now, unjudged=True)
    words = f"Knows about it (manifest {version})"
    unseen = waiting.filter(state__in={State.PENDING, State.DEFERRED, State.REMOVING})
    return _write(unseen, now, progress=PUBLISHED, progress_words=words)


def fetched(revisions: list[int], now: datetime) -> list[int]:
    """Notes the first fetch of these revisions' content; answers the deployments concerned."""
    unfetched = Instance.objects.filter(
        revision__in=revisions, fetched_at=None, holds=True, state__in=_EXPECTED
    )
    found = list(unfetched.order_by("pk").values_list("pk", "deployment_id"))
    if found:
        pks = [pk for pk, _ in found]
        waiting = unfetched.filter(pk__in=pks)
        _write(waiting.filter(state=State.DEFERRED), now, state=State.PENDING.value)
        _write(waiting, now, fetched_at=now, unjudged=True)
        fresh = Instance.objects.filter(
            pk__in=pks, progress__lt=FETCHED, state__in={State.PENDING, State.REMOVING}
        )
        going = Case(When(state=State.REMOVING, then=Value("Fetched what it ran before")))
        words = Coalesce(going, Value("Fetched the new version"))
        _write(fresh, now, progress=FETCHED, progress_words=words)
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
    same = Instance.objects.filter(
        pk=instance.pk, state=instance.state, revision=instance.revision_id, holds=True
    )
    return bool(
        _write(
            same,
            now,
            state=state.value,
            progress=progress,
            progress_words=words,
            failure=failure.value if failure else "",
            last_error=error,
            ended_at=now if state in ENDED else None,
            unjudged=True,
        )
    )


def write(instances: QuerySet[Instance], now: datetime, **values: object) -> int:
    """Every write counts, so that a live page can tell a newer row from an older one."""
    return instances.update(changed_at=now, changes=F("changes") + 1, **values)


_write = write
