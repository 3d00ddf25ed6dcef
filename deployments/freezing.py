"""Freezing a plan: its batches and its ordered targets become rows, by a statement or two each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from deployments.models import Batch, Deployment, Instance
from deployments.planner import PlannedBatch
from deployments.rows import insert_lists
from deployments.states import State


def freeze(
    draft: Deployment,
    plan: Sequence[PlannedBatch],
    order: Sequence[int],
    unfit: Mapping[int, str],
    now: datetime,
) -> None:
    """Stores batches and instances exactly as planned; call it inside a transaction.

    `order` has the ids of the devices. Those of `unfit`, which come last, cannot run it for the
    reason that it gives, and are skipped from the start.
    """
    fitting = len(order) - len(unfit)
    rows = {
        "device": order,
        "batch": _batch_of_each(draft, plan),
        "position": range(1, len(order) + 1),
    }
    same = _first_values(draft, now)
    waiting = {name: column[:fitting] for name, column in rows.items()}
    insert_lists(Instance, {**same, **_QUEUED}, waiting)
    if unfit:
        skipped: dict[str, Sequence[int | str]] = {
            name: column[fitting:] for name, column in rows.items()
        }
        skipped["last_error"] = [unfit[device] for device in order[fitting:]]
        insert_lists(Instance, {**same, **_SKIPPED, "ended_at": now}, skipped)


_QUEUED = {"state": State.QUEUED.value, "progress_words": "", "last_error": ""}
_SKIPPED = {"state": State.SKIPPED.value, "progress_words": "Does not fit"}


def _batch_of_each(draft: Deployment, plan: Sequence[PlannedBatch]) -> list[int]:
    """The key of the batch of each position."""
    stored = Batch.objects.bulk_create(
        Batch(
            deployment=draft,
            number=planned.number,
            name=planned.name,
            first=planned.first,
            size=planned.size,
            gate=planned.gate.value if planned.gate else "",
        )
        for planned in plan
    )
    return [batch.pk for batch in stored for _ in range(batch.size)]


def _first_values(draft: Deployment, now: datetime) -> dict[str, object]:
    """What all instances have in common; the columns that may be empty stay so."""
    return {
        "deployment": draft.pk,
        "application": draft.version.application_id,
        "progress": 0,
        "attempts": 0,
        "failure": "",
        "holds": False,
        "unjudged": False,
        "changed_at": now,
        "changes": 0,
    }
