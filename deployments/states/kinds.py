"""The words of the life cycle: stages, statuses, states, failures, gates and actions."""

from enum import StrEnum


class Stage(StrEnum):
    """Where a rollout stands."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    READY = "ready"
    ROLLING = "rolling"
    GATE = "gate"
    HELD = "held"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """Margo's six words, as seen over the whole deployment."""

    PENDING = "pending"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    REMOVING = "removing"
    REMOVED = "removed"


#: Statuses that tell the way to an installed application, and no end of it.
ON_THE_WAY = frozenset({Status.PENDING, Status.INSTALLING})


class State(StrEnum):
    """One device's part in a deployment; `pending` means released to the device.

    `deferred` is a device that did not come for it in time: its batch no longer waits for it, the
    deployment does. `removing` and `removed` belong to a rollback: what ran before is put back,
    or the application is removed.
    """

    QUEUED = "queued"
    PENDING = "pending"
    INSTALLING = "installing"
    DEFERRED = "deferred"
    INSTALLED = "installed"
    FAILED = "failed"
    REMOVING = "removing"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class Failure(StrEnum):
    """Why an instance failed."""

    FAILED = "failed"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    DRIFTED = "drifted"
    ROLLBACK_FAILED = "rollback_failed"


class Gate(StrEnum):
    """What stands before the next batch: the canary's gate or that of a rolling batch."""

    CANARY = "canary"
    BATCH = "batch"


class Action(StrEnum):
    """What a person may do to a deployment."""

    EDIT = "edit"
    SUBMIT = "submit"
    ASK_APPROVAL = "ask_approval"
    APPROVE = "approve"
    DENY = "deny"
    START = "start"
    SCHEDULE = "schedule"
    PROMOTE_CANARY = "promote_canary"
    APPROVE_BATCH = "approve_batch"
    RESUME = "resume"
    PAUSE = "pause"
    RETRY_FAILED = "retry_failed"
    GIVE_UP = "give_up"
    ROLLBACK = "rollback"
    CANCEL = "cancel"
    DELETE = "delete"


class Tone(StrEnum):
    """The five tones of the portal; each state has a mark and words besides."""

    OK = "ok"
    RUN = "run"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


#: Instances that still move by themselves: the content was released, the end is not known.
IN_FLIGHT = frozenset({State.PENDING, State.INSTALLING})
#: Instances that the end of the deployment waits for.
UNDER_WAY = IN_FLIGHT | {State.DEFERRED}
#: Instances a batch no longer waits for.
ENDED = frozenset(State) - IN_FLIGHT - {State.QUEUED, State.REMOVING}
#: Instances that count as released when failures are weighed against them.
RELEASED = UNDER_WAY | {State.INSTALLED, State.FAILED}
#: Stages in which the engine has something to do, or a report changes what it does.
ACTIVE = frozenset(
    {
        Stage.ROLLING,
        Stage.GATE,
        Stage.HELD,
        Stage.PAUSED,
        Stage.CANCELLING,
        Stage.ROLLING_BACK,
    }
)
#: Stages in which nothing will change by itself any more.
FINISHED = frozenset({Stage.COMPLETED, Stage.ROLLED_BACK, Stage.CANCELLED})
#: Stages in which a rollback is what there is to follow.
GOING_BACK = frozenset({Stage.ROLLING_BACK, Stage.ROLLED_BACK})
#: Stages that wait for a decision of a person, whatever devices do meanwhile.
NEEDS_SOMEBODY = frozenset({Stage.AWAITING_APPROVAL, Stage.GATE, Stage.HELD})
#: Kinds of failure that may be tried again by themselves.
RETRIED = (
    Failure.FAILED,
    Failure.REJECTED,
    Failure.TIMED_OUT,
    Failure.UNREACHABLE,
    Failure.DRIFTED,
)
