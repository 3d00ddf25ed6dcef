"""The snapshot a decision is made from: one aggregate query over a covering index."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from deployments.models import Batch, Deployment, Instance
from deployments.planner import BatchView, Policy, Snapshot
from deployments.states import BAR_ORDER, IN_FLIGHT, Stage, State


def snapshot(deployment: Deployment, policy: Policy, now: datetime) -> Snapshot:
    """What the planner needs to know about a deployment at `now`."""
    in_flight = Q(state__in=IN_FLIGHT)
    late = now - timedelta(seconds=policy.install_timeout_seconds)
    lost = now - timedelta(seconds=policy.offline_wait_seconds)
    rows = (
        Instance.objects.filter(deployment=deployment)
        .order_by()
        .values("batch_id", "state")
        .annotate(
            number=Count("pk"),
            late_installing=Count("pk", filter=in_flight & Q(fetched_at__lte=late)),
            late_unreached=Count(
                "pk", filter=in_flight & Q(fetched_at=None, released_at__lte=lost)
            ),
            first_fetch=Min("fetched_at", filter=in_flight),
            first_release=Min("released_at", filter=in_flight & Q(fetched_at=None)),
        )
    )
    by_batch: dict[int, list[Mapping[str, object]]] = {}
    for row in rows:
        by_batch.setdefault(row["batch_id"], []).append(row)
    return Snapshot(
        stage=Stage(deployment.stage),
        policy=policy,
        batches=tuple(
            _view(batch, by_batch.get(batch.pk, [])) for batch in deployment.batches.all()
        ),
        first_fetch=_earliest(rows, "first_fetch"),
        first_unreached_release=_earliest(rows, "first_release"),
    )


def summary_of(seen: Snapshot) -> dict[str, object]:
    """What lists show of a deployment: the number of targets, and how many are in which state."""
    counts = {state.value: seen.count(state) for state in BAR_ORDER if seen.count(state)}
    return {"total": seen.total, "counts": counts}


def _view(batch: Batch, rows: list[Mapping[str, object]]) -> BatchView:
    return BatchView(
        number=batch.number,
        name=batch.name,
        size=batch.size,
        released=batch.released_at is not None,
        ended=batch.ended_at is not None,
        counts={State(str(row["state"])): _number(row, "number") for row in rows},
        late_installing=sum(_number(row, "late_installing") for row in rows),
        late_unreached=sum(_number(row, "late_unreached") for row in rows),
    )


def _number(row: Mapping[str, object], name: str) -> int:
    value = row[name]
    return value if isinstance(value, int) else 0


def _earliest(rows: Iterable[Mapping[str, object]], name: str) -> datetime | None:
    times = [row[name] for row in rows]
    return min((time for time in times if isinstance(time, datetime)), default=None)
