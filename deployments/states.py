"""The life of a deployment and of its instances, as tables: who may do what in which stage.

Buttons, refusals and the documentation are made from these tables. Pure: no Django.
"""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a rollout stands."""

    DRAFT = "draft"
    READY = "ready"
    ROLLING = "rolling"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """Margo's six words, as seen over the whole deployment."""

    PENDING = "pending"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    REMOVING = "removing"
    REMOVED = "removed"


class State(StrEnum):
    """One device's part in a deployment; `pending` means released to the device."""

    QUEUED = "queued"
    PENDING = "pending"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class Failure(StrEnum):
    """Why an instance failed."""

    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    DRIFTED = "drifted"


class Action(StrEnum):
    """What a person may do to a deployment."""

    EDIT = "edit"
    SUBMIT = "submit"
    START = "start"
    CANCEL = "cancel"
    DELETE = "delete"


class Tone(StrEnum):
    """The five tones of the portal; each state has a mark and words besides."""

    OK = "ok"
    RUN = "run"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Look:
    """How a state appears everywhere: never by colour alone."""

    tone: Tone
    mark: str
    words: str


@dataclass(frozen=True, slots=True)
class Verb:
    """An action: its button, the permission it needs, and where it leads from which stage.

    A target of None means that the deployment is gone from the lists afterwards.
    """

    words: str
    permission: str
    #: What is said once it is done, behind the deployment's name.
    done: str
    moves: dict[Stage, Stage | None]


#: Instances that still move by themselves: the content was released, the end is not known.
IN_FLIGHT = frozenset({State.PENDING, State.INSTALLING})
#: Instances a batch no longer waits for.
ENDED = frozenset({State.INSTALLED, State.FAILED, State.CANCELLED, State.SKIPPED})
#: Stages in which the engine has something to do.
ACTIVE = frozenset({Stage.ROLLING, Stage.CANCELLING})
#: Stages in which nothing will change by itself any more.
FINISHED = frozenset({Stage.COMPLETED, Stage.CANCELLED})

VERBS: dict[Action, Verb] = {
    Action.EDIT: Verb(
        "Edit",
        "deployments.change_deployment",
        "can be edited again",
        {Stage.DRAFT: Stage.DRAFT, Stage.READY: Stage.DRAFT},
    ),
    Action.SUBMIT: Verb(
        "Save for later",
        "deployments.change_deployment",
        "is ready to start",
        {Stage.DRAFT: Stage.READY},
    ),
    Action.START: Verb(
        "Start", "deployments.roll_out_deployment", "was started", {Stage.READY: Stage.ROLLING}
    ),
    Action.CANCEL: Verb(
        "Cancel",
        "deployments.roll_out_deployment",
        "is being cancelled",
        {Stage.READY: Stage.CANCELLED, Stage.ROLLING: Stage.CANCELLING},
    ),
    Action.DELETE: Verb(
        "Delete",
        "deployments.delete_deployment",
        "was deleted",
        {Stage.DRAFT: None, Stage.COMPLETED: None, Stage.CANCELLED: None},
    ),
}

#: What the engine may do by itself.
ENGINE_MOVES: dict[Stage, frozenset[Stage]] = {
    Stage.ROLLING: frozenset({Stage.COMPLETED}),
    Stage.CANCELLING: frozenset({Stage.CANCELLED}),
}

STAGE_LOOKS: dict[Stage, Look] = {
    Stage.DRAFT: Look(Tone.IDLE, "✎", "Draft"),
    Stage.READY: Look(Tone.WARN, "◷", "Ready to start"),
    Stage.ROLLING: Look(Tone.RUN, "▸", "Rolling out"),
    Stage.CANCELLING: Look(Tone.WARN, "◌", "Cancelling"),
    Stage.COMPLETED: Look(Tone.OK, "✓", "Completed"),
    Stage.CANCELLED: Look(Tone.IDLE, "⊘", "Cancelled"),
}
#: A rollout that completed with too many failures must not look like a success.
COMPLETED_WITH_FAILURES = Look(Tone.BAD, "✕", "Completed with failures")

STATUS_WORDS: dict[Status, str] = {
    Status.PENDING: "Pending",
    Status.INSTALLING: "Installing",
    Status.INSTALLED: "Installed",
    Status.FAILED: "Failed",
    Status.REMOVING: "Removing",
    Status.REMOVED: "Removed",
}

STATE_LOOKS: dict[State, Look] = {
    State.INSTALLED: Look(Tone.OK, "✓", "Installed"),
    State.INSTALLING: Look(Tone.RUN, "▸", "Installing"),
    State.PENDING: Look(Tone.IDLE, "↓", "Waiting for the device"),
    State.FAILED: Look(Tone.BAD, "✕", "Failed"),
    State.QUEUED: Look(Tone.IDLE, "·", "Queued"),
    State.SKIPPED: Look(Tone.IDLE, "»", "Skipped"),
    State.CANCELLED: Look(Tone.IDLE, "⊘", "Cancelled"),
}

#: The order of the states in bars and tables: what has ended well or badly, what moves, the rest.
BAR_ORDER = (
    State.INSTALLED,
    State.FAILED,
    State.INSTALLING,
    State.PENDING,
    State.SKIPPED,
    State.CANCELLED,
    State.QUEUED,
)

FAILURE_WORDS: dict[Failure, str] = {
    Failure.FAILED: "The device reported a failure",
    Failure.TIMED_OUT: "Timed out while installing",
    Failure.UNREACHABLE: "The device did not come for it in time",
    Failure.DRIFTED: "Was installed, then failed or disappeared",
}


def stage_look(stage: Stage, status: Status) -> Look:
    """The look of a deployment in this stage, with how it ended."""
    if stage is Stage.COMPLETED and status is Status.FAILED:
        return COMPLETED_WITH_FAILURES
    return STAGE_LOOKS[stage]


def allowed(stage: Stage) -> list[Action]:
    """The actions that exist in this stage, in the order of their buttons."""
    return [action for action, verb in VERBS.items() if stage in verb.moves]


def refusal(action: Action, stage: Stage) -> str:
    """Why `action` cannot be done in `stage`, as the end of a sentence."""
    words = STAGE_LOOKS[stage].words.lower()
    possible = " or ".join(STAGE_LOOKS[one].words.lower() for one in VERBS[action].moves)
    return f"is {words}: {VERBS[action].words} is possible while it is {possible}"
