"""Who may do what in which stage, and where it leads: one table for people, one for the engine."""

from dataclasses import dataclass

from deployments.states.kinds import Action, Gate, Stage

CHANGE = "deployments.change_deployment"
ROLL_OUT = "deployments.roll_out_deployment"
APPROVE = "deployments.approve_deployment"
DELETE = "deployments.delete_deployment"


@dataclass(frozen=True, slots=True)
class Verb:
    """An action: its button, the permission it needs, and where it leads from which stage.

    A target of None means that the deployment is gone from the lists afterwards. An action with
    a `gate` is possible only at that kind of gate.
    """

    words: str
    permission: str
    #: What is said once it is done, behind the deployment's name.
    done: str
    moves: dict[Stage, Stage | None]
    gate: Gate | None = None


def _to(target: Stage, *stages: Stage) -> dict[Stage, Stage | None]:
    return dict.fromkeys(stages, target)


#: In the order of their buttons.
VERBS: dict[Action, Verb] = {
    Action.EDIT: Verb(
        "Edit",
        CHANGE,
        "can be edited again",
        _to(Stage.DRAFT, Stage.DRAFT, Stage.AWAITING_APPROVAL, Stage.READY),
    ),
    Action.SUBMIT: Verb("Make ready", CHANGE, "is ready to start", _to(Stage.READY, Stage.DRAFT)),
    Action.ASK_APPROVAL: Verb(
        "Ask for approval", CHANGE, "waits for approval", _to(Stage.AWAITING_APPROVAL, Stage.DRAFT)
    ),
    Action.APPROVE: Verb(
        "Approve", APPROVE, "was approved", _to(Stage.READY, Stage.AWAITING_APPROVAL)
    ),
    Action.DENY: Verb("Deny", APPROVE, "was denied", _to(Stage.CANCELLED, Stage.AWAITING_APPROVAL)),
    Action.START: Verb("Start", ROLL_OUT, "was started", _to(Stage.ROLLING, Stage.READY)),
    Action.SCHEDULE: Verb(
        "Start at …",
        ROLL_OUT,
        "has its time to start",
        {
            Stage.AWAITING_APPROVAL: Stage.AWAITING_APPROVAL,
            Stage.READY: Stage.READY,
        },
    ),
    Action.PROMOTE_CANARY: Verb(
        "Promote Canary",
        ROLL_OUT,
        "goes on: the canary was promoted",
        _to(Stage.ROLLING, Stage.GATE),
        Gate.CANARY,
    ),
    Action.APPROVE_BATCH: Verb(
        "Approve Batch",
        ROLL_OUT,
        "goes on with the next batch",
        _to(Stage.ROLLING, Stage.GATE),
        Gate.BATCH,
    ),
    Action.RESUME: Verb(
        "Resume", ROLL_OUT, "goes on", _to(Stage.ROLLING, Stage.HELD, Stage.PAUSED)
    ),
    Action.PAUSE: Verb(
        "Pause", ROLL_OUT, "is paused", _to(Stage.PAUSED, Stage.ROLLING, Stage.GATE)
    ),
    Action.RETRY_FAILED: Verb(
        "Retry failed",
        ROLL_OUT,
        "tries again where it failed",
        {
            Stage.HELD: Stage.ROLLING,
            Stage.COMPLETED: Stage.ROLLING,
            Stage.ROLLING_BACK: Stage.ROLLING_BACK,
            Stage.ROLLED_BACK: Stage.ROLLING_BACK,
        },
    ),
    Action.GIVE_UP: Verb(
        "Give up on the rest",
        ROLL_OUT,
        "waits for no device any more",
        _to(Stage.ROLLING_BACK, Stage.ROLLING_BACK),
    ),
    Action.ROLLBACK: Verb(
        "Roll back",
        ROLL_OUT,
        "is being rolled back",
        _to(
            Stage.ROLLING_BACK,
            Stage.ROLLING,
            Stage.GATE,
            Stage.HELD,
            Stage.PAUSED,
            Stage.CANCELLING,
            Stage.COMPLETED,
            Stage.CANCELLED,
        ),
    ),
    Action.CANCEL: Verb(
        "Cancel",
        ROLL_OUT,
        "is being cancelled",
        {
            Stage.AWAITING_APPROVAL: Stage.CANCELLED,
            Stage.READY: Stage.CANCELLED,
            Stage.ROLLING: Stage.CANCELLING,
            Stage.GATE: Stage.CANCELLING,
            Stage.HELD: Stage.CANCELLING,
            Stage.PAUSED: Stage.CANCELLING,
        },
    ),
    Action.DELETE: Verb(
        "Delete",
        DELETE,
        "was deleted",
        {
            Stage.DRAFT: None,
            Stage.COMPLETED: None,
            Stage.ROLLED_BACK: None,
            Stage.CANCELLED: None,
        },
    ),
}

#: The most likely next steps: the first of those that there are.
PRIMARY = (
    Action.PROMOTE_CANARY,
    Action.APPROVE_BATCH,
    Action.RETRY_FAILED,
    Action.RESUME,
    Action.START,
    Action.APPROVE,
)
#: What the engine may do by itself.
ENGINE_MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.READY: frozenset({Stage.ROLLING}),
    Stage.ROLLING: frozenset({Stage.GATE, Stage.HELD, Stage.ROLLING_BACK, Stage.COMPLETED}),
    Stage.GATE: frozenset({Stage.ROLLING, Stage.HELD, Stage.ROLLING_BACK}),
    Stage.HELD: frozenset({Stage.ROLLING_BACK}),
    Stage.PAUSED: frozenset({Stage.ROLLING_BACK}),
    Stage.CANCELLING: frozenset({Stage.CANCELLED}),
    Stage.ROLLING_BACK: frozenset({Stage.ROLLED_BACK}),
}


def allowed(stage: Stage, gate: Gate | None = None) -> list[Action]:
    """The actions that exist in this stage, and at this gate, in the order of their buttons."""
    return [
        action
        for action, verb in VERBS.items()
        if stage in verb.moves and verb.gate in {None, gate}
    ]
