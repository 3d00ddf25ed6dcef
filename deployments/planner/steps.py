"""What the engine can do, each step with the sentence that says why."""

from dataclasses import dataclass

from deployments.states import Failure, Stage, Status


@dataclass(frozen=True, slots=True)
class Step:
    """Something the engine will do, with the sentence that says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Begin(Step):
    """Start the deployment at the time somebody set."""


@dataclass(frozen=True, slots=True)
class Release(Step):
    """Make this batch's content the desired state of its queued devices.

    `opens` is the batch whose gate this passes, as far as it was not opened before.
    """

    batch: int
    opens: int | None = None


@dataclass(frozen=True, slots=True)
class Retry(Step):
    """Release the content again, under a new digest, where a try failed and tries are left.

    Not `at_once` where others of the batch wait, or its turn has not come again: it waits as they
    do.
    """

    batch: int
    at_once: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp(Step):
    """Count the instances of a batch that took too long as failed."""

    batch: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class NothingToRemove(Step):
    """Count the removals of a batch as done whose devices never spoke of the application."""

    batch: int


@dataclass(frozen=True, slots=True)
class Defer(Step):
    """Let a batch end without the devices that do not come."""

    batch: int


@dataclass(frozen=True, slots=True)
class EndBatch(Step):
    """Note that nothing of this batch is left to wait for."""

    batch: int


@dataclass(frozen=True, slots=True)
class WaitAtGate(Step):
    """Wait behind this batch for a person or for a delay."""

    batch: int


@dataclass(frozen=True, slots=True)
class OpenGate(Step):
    """Let the next batch follow: the delay is over."""

    batch: int


@dataclass(frozen=True, slots=True)
class Hold(Step):
    """Stop releasing: more devices of this batch failed than are allowed."""

    batch: int


@dataclass(frozen=True, slots=True)
class RollBack(Step):
    """Undo the whole deployment: too many devices failed."""


@dataclass(frozen=True, slots=True)
class Restore(Step):
    """Put back what ran before, on devices that the rollback has not reached yet."""


@dataclass(frozen=True, slots=True)
class Finish(Step):
    """End the deployment."""

    stage: Stage
    status: Status
