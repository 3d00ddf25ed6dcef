"""How every stage and state looks: tone, mark and words, never colour alone."""

from dataclasses import dataclass

from deployments.states.kinds import Action, Failure, Gate, Stage, State, Status, Tone
from deployments.states.verbs import VERBS


@dataclass(frozen=True, slots=True)
class Look:
    """How a state appears everywhere: never by colour alone."""

    tone: Tone
    mark: str
    words: str


STAGE_LOOKS: dict[Stage, Look] = {
    Stage.DRAFT: Look(Tone.IDLE, "✎", "Draft"),
    Stage.AWAITING_APPROVAL: Look(Tone.WARN, "?", "Waiting for approval"),
    Stage.READY: Look(Tone.WARN, "◷", "Ready to start"),
    Stage.ROLLING: Look(Tone.RUN, "▸", "Rolling out"),
    Stage.GATE: Look(Tone.WARN, "◆", "Waiting for a go-ahead"),
    Stage.HELD: Look(Tone.BAD, "!", "Held"),
    Stage.PAUSED: Look(Tone.WARN, "‖", "Paused"),
    Stage.CANCELLING: Look(Tone.WARN, "◌", "Cancelling"),
    Stage.COMPLETED: Look(Tone.OK, "✓", "Completed"),
    Stage.ROLLING_BACK: Look(Tone.BAD, "↺", "Rolling back"),
    Stage.ROLLED_BACK: Look(Tone.WARN, "↩", "Rolled back"),
    Stage.CANCELLED: Look(Tone.IDLE, "⊘", "Cancelled"),
}
#: A rollout that ended badly must not look like one that ended well.
ENDED_BADLY: dict[Stage, Look] = {
    Stage.COMPLETED: Look(Tone.BAD, "✕", "Completed with failures"),
    Stage.ROLLED_BACK: Look(Tone.BAD, "✕", "Rolled back with failures"),
}
#: At a gate the look says which one.
GATE_LOOKS: dict[Gate, Look] = {
    Gate.CANARY: Look(Tone.WARN, "◆", "Waiting for Promote Canary"),
    Gate.BATCH: Look(Tone.WARN, "◆", "Waiting for Approve Batch"),
}

#: A gate that the clock alone opens waits for nobody.
GATE_BY_ITSELF = Look(Tone.RUN, "◷", "Waiting for the clock")

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
    State.DEFERRED: Look(Tone.WARN, "◷", "Deferred"),
    State.FAILED: Look(Tone.BAD, "✕", "Failed"),
    State.REMOVING: Look(Tone.RUN, "↺", "Being put back"),
    State.REMOVED: Look(Tone.WARN, "↩", "Put back"),
    State.QUEUED: Look(Tone.IDLE, "·", "Queued"),
    State.SUPERSEDED: Look(Tone.IDLE, "⇥", "Superseded"),
    State.SKIPPED: Look(Tone.IDLE, "»", "Skipped"),
    State.CANCELLED: Look(Tone.IDLE, "⊘", "Cancelled"),
}

#: The order of the states in bars and tables: what has ended well or badly, what moves, the rest.
BAR_ORDER = (
    State.INSTALLED,
    State.FAILED,
    State.REMOVED,
    State.REMOVING,
    State.INSTALLING,
    State.PENDING,
    State.DEFERRED,
    State.SUPERSEDED,
    State.SKIPPED,
    State.CANCELLED,
    State.QUEUED,
)

FAILURE_WORDS: dict[Failure, str] = {
    Failure.FAILED: "The device reported a failure",
    Failure.REJECTED: "The device refused it without fetching it",
    Failure.TIMED_OUT: "Timed out while installing",
    Failure.UNREACHABLE: "The device did not come for it in time",
    Failure.DRIFTED: "Was installed, then failed or disappeared",
    Failure.ROLLBACK_FAILED: "What ran before could not be put back",
}


def stage_look(
    stage: Stage, status: Status, gate: Gate | None = None, *, by_itself: bool = False
) -> Look:
    """The look of a deployment in this stage, with how it ended and at which gate it waits.

    `by_itself` says that the gate needs nobody.
    """
    if status is Status.FAILED and stage in ENDED_BADLY:
        return ENDED_BADLY[stage]
    if stage is Stage.GATE and gate is not None:
        return GATE_BY_ITSELF if by_itself else GATE_LOOKS[gate]
    return STAGE_LOOKS[stage]


def refusal(action: Action, stage: Stage, gate: Gate | None = None) -> str:
    """Why `action` cannot be done in `stage`, as the end of a sentence."""
    verb = VERBS[action]
    words = stage_look(stage, Status.PENDING, gate).words.lower()
    if verb.gate is not None:
        possible = GATE_LOOKS[verb.gate].words.lower()
    else:
        possible = " or ".join(STAGE_LOOKS[one].words.lower() for one in verb.moves)
    return f"is {words}: {verb.words} is possible while it is {possible}"
