"""The snapshot a decision is made from: one query, answered from indexes.

Its parts are counted by one statement, so that they belong to the same moment: the states from
the index that has nothing else, and what is late or failed from indexes of those few alone. With
a hundred thousand targets a row of the table is read only where a device is late or failed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import (
    CharField,
    Count,
    DateTimeField,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)

from deployments.models import Batch, Deployment, Instance, StatusReport
from deployments.models.rollout import EXPECTED, MOVING
from deployments.observing import INSTALLED
from deployments.planner import BatchView, Offline, Policy, Snapshot, opens_at
from deployments.rows import Source
from deployments.states import BAR_ORDER, IN_FLIGHT, Failure, Gate, Stage, State, Status
from devices.models import Client

#: Instances that have begun, or may have: an install timeout runs for them.
_MOVING = Q(state__in=MOVING, fetched_at__isnull=False)
#: Instances whose device holds the news that the application goes.
_LEAVING = Q(state=State.REMOVING, fetched_at__isnull=False, revision__removal=True)
#: Instances that a device still has to come for.
_EXPECTED = Q(state__in=EXPECTED, fetched_at=None)
#: Instances whose device has left the fleet.
GONE = ~Q(device__client__state=Client.State.ACCEPTED) | Q(device__removed_at__isnull=False)
#: Instances that the offline policy has not looked at.
_ABSENT = Q(state__in=sorted(state.value for state in IN_FLIGHT), fetched_at=None)
#: A number of instances of a batch, or the time since when one waits: (batch, what, number, since).
_Tally = tuple[int, str, int, datetime | None]


def snapshot(deployment: Deployment, policy: Policy, now: datetime) -> Snapshot:
    """What the planner needs to know about a deployment at `now`."""
    tallies = _tallies(deployment, policy, now)
    by_batch: dict[int, dict[str, int]] = {}
    for batch, what, number, since in tallies:
        if since is None:
            by_batch.setdefault(batch, {})[what] = number
    first = {what: since for _, what, _, since in tallies if since}
    return Snapshot(
        stage=Stage(deployment.stage),
        policy=policy,
        batches=tuple(
            _view(batch, by_batch.get(batch.pk, {})) for batch in deployment.batches.all()
        ),
        start_at=deployment.start_at,
        gate_batch=deployment.gate_batch,
        gate_since=deployment.gate_since,
        first_fetch=first.get("first_fetch"),
        first_unreached_release=first.get("first_release"),
        first_absent_release=first.get("first_absent"),
        first_silence=first.get("first_silence"),
    )


def summary_of(seen: Snapshot) -> dict[str, object]:
    """What lists show of a deployment: the number of targets, and how many are in which state.

    At a gate that needs nobody also when it opens.
    """
    counts = {state.value: seen.count(state) for state in BAR_ORDER if seen.count(state)}
    opens = opens_at(seen)
    gate = {"opens_at": opens.isoformat()} if opens else {}
    return {"total": seen.total, "counts": counts, **gate}


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


def silent(instances: QuerySet[Instance]) -> QuerySet[Instance]:
    """Those whose device has not spoken of the application since it last removed it."""
    said = StatusReport.objects.filter(workload=OuterRef("workload")).order_by("-pk")
    last = instances.alias(last_said=Subquery(said.values("state")[:1]))
    return last.filter(Q(last_said=None) | Q(last_said=Status.REMOVED))


def unheard(instances: QuerySet[Instance], policy: Policy, now: datetime) -> QuerySet[Instance]:
    """Being removed from devices that were silent for longer than a removal waits for a word."""
    waited = _ago(now, policy.silence_seconds)
    return silent(instances.filter(_LEAVING, fetched_at__lte=waited))


def retryable(policy: Policy) -> Q:
    """Failed instances that are to be tried again by themselves, on devices that are there."""
    with_tries_left = Q(pk=None)
    for failure, tries in policy.retries.items():
        if tries:
            with_tries_left |= Q(failure=failure, attempts__lte=tries)
    return Q(state=State.FAILED) & with_tries_left & ~GONE


def _ago(now: datetime, seconds: int) -> datetime:
    return now - timedelta(seconds=seconds)


def _tallies(deployment: Deployment, policy: Policy, now: datetime) -> list[_Tally]:
    mine = Instance.objects.filter(deployment=deployment).order_by()
    counted = {
        "retryable": retryable(policy),
        "waiting_again": Q(state=State.QUEUED, released_at__isnull=False),
        "satisfied": Q(state=State.SKIPPED, progress=INSTALLED),
        "unrestored": Q(state=State.FAILED, failure=Failure.ROLLBACK_FAILED),
        "late_installing": late(policy, Failure.TIMED_OUT, now),
        "late_unreached": late(policy, Failure.UNREACHABLE, now),
        "late_absent": absent(policy, now),
    }
    parts = [_number(mine.filter(of), _text(what)) for what, of in counted.items()]
    parts += [
        _number(mine, F("state")),
        _earliest(mine.filter(_EXPECTED), "first_release", "released_at"),
    ]
    if policy.offline is not Offline.WAIT:
        parts.append(_earliest(mine.filter(_ABSENT), "first_absent", "released_at"))
    if deployment.stage == Stage.ROLLING_BACK:
        parts += [
            _number(unheard(mine, policy, now), _text("unheard")),
            _earliest(silent(mine.filter(_LEAVING)), "first_silence", "fetched_at"),
        ]
    return list(
        _earliest(mine.filter(_MOVING), "first_fetch", "fetched_at").union(*parts, all=True)
    )


def _number(instances: QuerySet[Instance], what: Source) -> QuerySet[Instance, _Tally]:
    """How many they are in each batch, and in each state where that is `what`."""
    never = Value(None, output_field=DateTimeField())
    rows = instances.annotate(what=what).values_list("batch_id", "what")
    return rows.annotate(number=Count("*"), since=never)


def _earliest(instances: QuerySet[Instance], what: str, column: str) -> QuerySet[Instance, _Tally]:
    """Since when the first of them waits."""
    nothing = Value(0, output_field=IntegerField())
    rows = instances.annotate(none=nothing, what=_text(what), number=nothing)
    return rows.values_list("none", "what", "number").annotate(since=Min(column))


def _text(words: str) -> Value:
    return Value(words, output_field=CharField())


def _view(batch: Batch, tallies: Mapping[str, int]) -> BatchView:
    return BatchView(
        number=batch.number,
        name=batch.name,
        size=batch.size,
        released=batch.released_at is not None,
        ended=batch.ended_at is not None,
        counts={state: tallies[state.value] for state in State if state.value in tallies},
        gate=Gate(batch.gate) if batch.gate else None,
        gate_open=batch.gate_opened_at is not None,
        accepted=batch.accepted_failures,
        retryable=tallies.get("retryable", 0),
        unrestored=tallies.get("unrestored", 0),
        waiting_again=tallies.get("waiting_again", 0),
        satisfied=tallies.get("satisfied", 0),
        late_installing=tallies.get("late_installing", 0),
        late_unreached=tallies.get("late_unreached", 0),
        late_absent=tallies.get("late_absent", 0),
        unheard=tallies.get("unheard", 0),
    )
