"""Freezing a plan: its batches and its ordered targets become rows, by set-based SQL."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    F,
    IntegerField,
    QuerySet,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from deployments.models import Batch, Deployment, Instance
from deployments.moves import MoveRefusedError, instances
from deployments.planner import PlannedBatch
from deployments.rows import Source, insert_from
from deployments.states import State
from deployments.targeting import Misfit
from devices.models import Device


def freeze(
    draft: Deployment,
    plan: Sequence[PlannedBatch],
    targets: QuerySet[Device],
    misfits: Sequence[Misfit],
    now: datetime,
) -> None:
    """Stores batches and instances exactly as planned; call it inside a transaction.

    Raises MoveRefusedError when other devices are chosen by now than the plan was made for.
    """
    batches = [_batch(draft, planned) for planned in plan]
    columns = _columns(draft, batches[0], [misfit.device_id for misfit in misfits], now)
    frozen = insert_from(Instance, columns, targets.order_by())
    if frozen != sum(planned.size for planned in plan):
        raise MoveRefusedError(
            f"The devices chosen for {draft.name} changed while its plan was made: look at the "
            "plan again."
        )
    mine = Instance.objects.filter(deployment=draft)
    for batch in batches[1:]:
        its_range = mine.filter(position__gte=batch.first, position__lt=batch.first + batch.size)
        its_range.update(batch=batch)
    reasons = {misfit.device_id: "; ".join(misfit.reasons) for misfit in misfits}
    instances.skip_misfits(mine, reasons, now)


def fitting_first(misfit_ids: Sequence[int]) -> list[Case | F]:
    """The order of targets: who cannot run it comes last, so that no early batch is made of it."""
    order: list[Case | F] = [F("path"), F("pk")]
    if not misfit_ids:
        return order
    last = When(pk__in=misfit_ids, then=Value(1))
    return [Case(last, default=Value(0), output_field=IntegerField()), *order]


def _batch(draft: Deployment, planned: PlannedBatch) -> Batch:
    return Batch.objects.create(
        deployment=draft,
        number=planned.number,
        name=planned.name,
        first=planned.first,
        size=planned.size,
        gate=planned.gate.value if planned.gate else "",
    )


def _columns(
    draft: Deployment, first: Batch, misfit_ids: Sequence[int], now: datetime
) -> dict[str, Source]:
    number, text, moment = IntegerField(), CharField(), DateTimeField()
    return {
        "deployment": Value(draft.pk, output_field=number),
        "device": F("pk"),
        "application": Value(draft.version.application_id, output_field=number),
        "batch": Value(first.pk, output_field=number),
        "position": Window(RowNumber(), order_by=fitting_first(misfit_ids)),
        "state": Value(State.QUEUED.value, output_field=text),
        "progress": Value(0, output_field=number),
        "progress_words": Value("", output_field=text),
        "attempts": Value(0, output_field=number),
        "failure": Value("", output_field=text),
        "last_error": Value("", output_field=text),
        "holds": Value(False, output_field=BooleanField()),
        "unjudged": Value(False, output_field=BooleanField()),
        "changed_at": Value(now, output_field=moment),
        "changes": Value(0, output_field=number),
    }
