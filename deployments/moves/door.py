"""The guarded UPDATE through which every change of a deployment's stage goes."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from deployments import events, states
from deployments.models import Deployment
from deployments.states import Action, Stage, Status

#: The columns of a deployment that is not at a gate.
NO_GATE: dict[str, object] = {"gate": "", "gate_batch": None, "gate_since": None}


#: The columns of a deployment over which the engine has not stumbled.
WELL: dict[str, object] = {"held_until": None, "stumbles": 0, "trouble": ""}


class MoveRefusedError(Exception):
    """The move is not possible, and why: one sentence for the person who asked."""


def target_of(deployment: Deployment, action: Action) -> Stage | None:
    """Where `action` leads from the stage the deployment is in; raises MoveRefusedError."""
    stage, gate = Stage(deployment.stage), deployment.gate_kind
    verb = states.VERBS[action]
    if stage not in verb.moves or verb.gate not in {None, gate}:
        raise MoveRefusedError(f"{deployment.name} {states.refusal(action, stage, gate)}.")
    return verb.moves[stage]


def stage_after(deployment: Deployment, action: Action) -> Stage:
    """The same for an action that leaves the deployment in the lists."""
    to = target_of(deployment, action)
    if to is None:
        raise MoveRefusedError(f"{deployment.name} would be gone after {action}.")
    return to


def engine_may(deployment: Deployment, to: Stage) -> bool:
    """Whether the table lets the engine take the deployment from its stage to `to`."""
    return to in states.ENGINE_MOVES.get(Stage(deployment.stage), frozenset())


def unmoved(deployment: Deployment, *, claimed: bool = False) -> QuerySet[Deployment]:
    """The deployment's row as long as nobody moved it since it was read.

    `claimed` asks also for the claim under which the engine looks at it: a worker whose claim ran
    out and was taken over changes nothing any more.
    """
    # The stage alone would not do: a retry during a rollback leads to the stage it came from, and
    # the engine must not end what began again. `edits` is part of it, so that a draft that was
    # edited since it was read is never frozen or started unseen.
    same = Deployment.objects.filter(
        pk=deployment.pk,
        stage=deployment.stage,
        moves_made=deployment.moves_made,
        edits=deployment.edits,
        hidden_at=None,
    )
    return same.filter(claimed_until=deployment.claimed_until) if claimed else same


def move(
    deployment: Deployment,
    to: Stage,
    sentence: str,
    *,
    now: datetime,
    actor: User | None,
    kind: str = "moved",
    reason: str = "",
    changes: Mapping[str, object] | None = None,
    by_engine: bool = False,
) -> None:
    """Moves the deployment to `to`, with its event; call it inside a transaction.

    Raises MoveRefusedError when somebody else moved it since it was read.
    """
    was = deployment.stage
    if by_engine and not engine_may(deployment, to):
        message = f"The engine may not take a deployment from {was} to {to}."
        raise ValueError(message)
    # Whoever decides something does not wait until the engine has got over a stumble.
    decided: dict[str, object] = {} if by_engine else {"held_until": None}
    values = {**_moved(deployment, to, now), **(changes or {}), **decided}
    # Guard in the UPDATE itself: a second writer sees zero rows, not a lost update.
    if unmoved(deployment, claimed=by_engine).update(**values) != 1:
        raise MoveRefusedError(f"{deployment.name} changed while you were looking at it.")
    for name, value in values.items():
        setattr(deployment, name, value)
    events.record(
        deployment,
        kind,
        sentence,
        now=now,
        actor=actor,
        reason=reason,
        from_stage=was,
        to_stage=to.value,
    )
    events.ring(deployment.pk)


def _moved(deployment: Deployment, to: Stage, now: datetime) -> dict[str, object]:
    """What every move writes."""
    moves_made = deployment.moves_made + 1
    return {"stage": to.value, "moves_made": moves_made, "updated_at": now, **NO_GATE}


def ended(status: Status, now: datetime) -> dict[str, object]:
    """The column values of a deployment that has come to its end."""
    return {"status": status.value, "ended_at": now, "due_at": None}


def under_way(status: Status, now: datetime) -> dict[str, object]:
    """The column values of a deployment that the engine must look at now."""
    return {"status": status.value, "ended_at": None, "due_at": now}
