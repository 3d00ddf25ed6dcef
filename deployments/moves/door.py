"""The guarded UPDATE through which every change of a deployment's stage goes."""

from collections.abc import Mapping
from datetime import datetime

from accounts.models import User
from deployments import events, states
from deployments.models import Deployment
from deployments.states import Action, Stage, Status


class MoveRefusedError(Exception):
    """The move is not possible, and why: one sentence for the person who asked."""


def target_of(deployment: Deployment, action: Action) -> Stage | None:
    """Where `action` leads from the stage the deployment is in; raises MoveRefusedError."""
    stage = Stage(deployment.stage)
    moves = states.VERBS[action].moves
    if stage not in moves:
        raise MoveRefusedError(f"{deployment.name} {states.refusal(action, stage)}.")
    return moves[stage]


def engine_may(deployment: Deployment, to: Stage) -> bool:
    """Whether the table lets the engine take the deployment from its stage to `to`."""
    return to in states.ENGINE_MOVES.get(Stage(deployment.stage), frozenset())


def move(
    deployment: Deployment,
    to: Stage,
    sentence: str,
    *,
    now: datetime,
    actor: User | None,
    reason: str = "",
    changes: Mapping[str, object] | None = None,
) -> None:
    """Moves the deployment to `to`, with its event; call it inside a transaction.

    Raises MoveRefusedError when somebody else moved it since it was read.
    """
    was = deployment.stage
    # Guard in the UPDATE itself: a second writer sees zero rows, not a lost update. `edits` is part
    # of it, so that a draft that was edited since it was read is never frozen or started unseen.
    same = Deployment.objects.filter(
        pk=deployment.pk, stage=was, edits=deployment.edits, hidden_at=None
    )
    values = {"stage": to.value, "updated_at": now, **(changes or {})}
    if same.update(**values) != 1:
        raise MoveRefusedError(f"{deployment.name} changed while you were looking at it.")
    for name, value in values.items():
        setattr(deployment, name, value)
    events.record(
        deployment,
        "moved",
        sentence,
        now=now,
        actor=actor,
        reason=reason,
        from_stage=was,
        to_stage=to.value,
    )
    events.ring(deployment.pk)


def ended(status: Status, now: datetime) -> dict[str, object]:
    """The column values of a deployment that has come to its end."""
    return {"status": status.value, "ended_at": now, "due_at": None}
