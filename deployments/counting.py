"""The snapshot a decision is made from: one aggregate query over a covering index."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from deployments.models import Batch, Deployment, Instance
from deployments.planner import BatchView, Offline, Policy, Snapshot
from deployments.states import BAR_ORDER, IN_FLIGHT, Failure, Gate, Stage, State

#: Instances that have begun, or may have: an install timeout runs for them.
_MOVING = Q(state__in=IN_FLIGHT | {State.REMOVING})
#: Instances that a device still has to come for.
_EXPECTED = Q(state__in=IN_FLIGHT | {State.REMOVING, State.DEFERRED}, fetched_at=None)
#: Instances that the offline policy has not looked at.
_ABSENT = Q(state__in=IN_FLIGHT, fetched_at=None)


def snapshot(deployment: Deployment, policy: Policy, now: datetime) -> Snapshot:
    """What the planner needs to know about a deployment at `now`."""
    rows = (
        Instance.objects.filter(deployment=deployment)
        .order_by()
        .values("batch_id", "state")
        .annotate(
            number=Count("pk"),
            retryable=Count("pk", filter=retryable(policy)),
            unrestored=Count("pk", filter=Q(failure=Failure.ROLLBACK_FAILED)),
            late_installing=Count("pk", filter=late(policy, Failure.TIMED_OUT, now)),
            late_unreached=Count("pk", filter=late(policy, Failure.UNREACHABLE, now)),
            late_absent=Count("pk", filter=absent(policy, now)),
            first_fetch=Min("fetched_at", filter=_MOVING),
            first_release=Min("released_at", filter=_EXPECTED),
            first_absent=Min("released_at", filter=_ABSENT),
        )
    )
    by_batch: dict[int, list[Mapping[str, object]]] = {}
    for row in rows:
        by_batch.setdefault(row["batch_id"], []).append(row)
    watched = policy.offline is not Offline.WAIT
    return Snapshot(
        stage=Stage(deployment.stage),
        policy=policy,
        batches=tuple(
            _view(batch, by_batch.get(batch.pk, [])) for batch in deployment.batches.all()
        ),
        start_at=deployment.start_at,
        gate_batch=deployment.gate_batch,
        gate_since=deployment.gate_since,
        first_fetch=_earliest(rows, "first_fetch"),
        first_unreached_release=_earliest(rows, "first_release"),
        first_absent_release=_earliest(rows, "first_absent") if watched else None,
    )


def summary_of(seen: Snapshot) -> dict[str, object]:
    """What lists show of a deployment: the number of targets, and how many are in which state."""
    counts = {state.value: seen.count(state) for state in BAR_ORDER if seen.count(state)}
    return {"total": seen.total, "counts": counts}


def late(policy: Policy, failure: Failure, now: datetime) -> Q:
    """Instances over the limit that belongs to this kind of failure.

    The time to install runs from the first fetch of the content; before that it is the time to
    come for it that counts.
    """
    if failure is Failure.TIMED_OUT:
        return _MOVING & Q(fetched_at__lte=_ago(now, policy.install_timeout_seconds))
    return _EXPECTED & Q(released_at__lte=_ago(now, policy.offline_wait_seconds))


def absent(policy: Policy, now: datetime) -> Q:
    """Instances whose device has not come for so long that the rollout does not wait for it."""
    if policy.offline is Offline.WAIT:
        return Q(pk=None)
    return _ABSENT & Q(released_at__lte=_ago(now, policy.offline_after_seconds))


def retryable(policy: Policy) -> Q:
    """Failed instances that are to be tried again by themselves."""
    with_tries_left = Q(pk=None)
    for failure, tries in policy.retries.items():
        if tries:
            with_tries_left |= Q(failure=failure, attempts__lte=tries)
    return Q(state=State.FAILED) & with_tries_left


def _ago(now: datetime, seconds: int) -> datetime:
    return now - timedelta(seconds=seconds)


def _view(batch: Batch, rows: list[Mapping[str, object]]) -> BatchView:
    def total(name: str) -> int:
        return sum(_number(row, name) for row in rows)

    return BatchView(
        number=batch.number,
        name=batch.name,
        size=batch.size,
        released=batch.released_at is not None,
        ended=batch.ended_at is not None,
        counts={State(str(row["state"])): _number(row, "number") for row in rows},
        gate=Gate(batch.gate) if batch.gate else None,
        gate_open=batch.gate_opened_at is not None,
        accepted=batch.accepted_failures,
        retryable=total("retryable"),
        unrestored=total("unrestored"),
        late_installing=total("late_installing"),
        late_unreached=total("late_unreached"),
        late_absent=total("late_absent"),
    )


def _number(row: Mapping[str, object], name: str) -> int:
    value = row[name]
    return value if isinstance(value, int) else 0


def _earliest(rows: Iterable[Mapping[str, object]], name: str) -> datetime | None:
    times = [row[name] for row in rows]
    return min((time for time in times if isinstance(time, datetime)), default=None)
