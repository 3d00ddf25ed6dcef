"""What happens next with a deployment, in words, so that nobody has to guess."""

from collections.abc import Callable

from deployments.models import Deployment
from deployments.queries import Census
from deployments.states import IN_FLIGHT, Stage, State
from deployments.words import devices

#: The names of the wizard's steps, in their order.
STEPS = ("Application and version", "Devices", "Parameters", "Rollout", "Review")


def next_words(deployment: Deployment, census: Census) -> str:
    """What happens next, or what a person can do."""
    return OUTLOOKS[Stage(deployment.stage)](deployment, census)


def step_name(number: int) -> str:
    """The name of a step of the wizard, counted from 1."""
    return STEPS[min(max(number, 1), len(STEPS)) - 1]


def _draft(deployment: Deployment, _census: Census) -> str:
    number = min(max(deployment.wizard_step, 1), len(STEPS))
    return (
        f"Not finished yet: it is at step {number} of {len(STEPS)}, {step_name(number)}. "
        "Nothing reaches a device before it is started."
    )


def _ready(_deployment: Deployment, census: Census) -> str:
    return (
        f"Everything is set for {devices(census.total)}. "
        "Nothing reaches a device before somebody starts it."
    )


def _rolling(_deployment: Deployment, census: Census) -> str:
    moving = _moving(census)
    if moving:
        return (
            f"{devices(moving).capitalize()} still to go. Each fetches the application the next "
            "time it asks, and this page follows by itself."
        )
    return "The engine looks at it within a second, and this page follows by itself."


def _cancelling(_deployment: Deployment, census: Census) -> str:
    moving = _moving(census)
    if moving:
        return (
            f"Nothing new is sent out. {devices(moving).capitalize()} had already fetched it and "
            "may finish; then it is cancelled."
        )
    return "Nothing new is sent out; it is cancelled within a second."


def _completed(_deployment: Deployment, census: Census) -> str:
    failed = census.number(State.FAILED)
    if failed:
        return (
            f"It is over: {devices(failed)} failed. The table below says why; what failed there "
            "can be rolled out again with a new deployment."
        )
    return "It is over. The devices keep the application until another deployment changes it."


def _cancelled(_deployment: Deployment, census: Census) -> str:
    installed = census.number(State.INSTALLED)
    if installed:
        return f"It is over. {devices(installed).capitalize()} had installed it and keep it."
    return "It is over. No device has installed it."


def _moving(census: Census) -> int:
    return sum(census.number(state) for state in IN_FLIGHT) + census.number(State.QUEUED)


def _awaiting_approval(_deployment: Deployment, census: Census) -> str:
    return (
        f"Everything is set for {devices(census.total)}. Somebody who is not its author has to "
        "approve it before it can be started."
    )


def _gate(deployment: Deployment, _census: Census) -> str:
    return "The batch has ended well. The next one follows when somebody lets it."


def _held(_deployment: Deployment, census: Census) -> str:
    return (
        f"{devices(census.number(State.FAILED)).capitalize()} failed, more than allowed. Nothing "
        "more is sent out until somebody resumes it, tries the failed ones again, or rolls it back."
    )


def _paused(_deployment: Deployment, _census: Census) -> str:
    return "Nothing more is sent out until somebody resumes it; what was sent may finish."


def _rolling_back(_deployment: Deployment, census: Census) -> str:
    left = census.number(State.REMOVING)
    return f"{devices(left).capitalize()} still to go back to what ran before."


def _rolled_back(_deployment: Deployment, census: Census) -> str:
    failed = census.number(State.FAILED)
    if failed:
        return f"It is over: {devices(failed)} could not be put back. The table below says why."
    return "It is over. Every device has what it ran before."


OUTLOOKS: dict[Stage, Callable[[Deployment, Census], str]] = {
    Stage.DRAFT: _draft,
    Stage.AWAITING_APPROVAL: _awaiting_approval,
    Stage.READY: _ready,
    Stage.ROLLING: _rolling,
    Stage.GATE: _gate,
    Stage.HELD: _held,
    Stage.PAUSED: _paused,
    Stage.ROLLING_BACK: _rolling_back,
    Stage.ROLLED_BACK: _rolled_back,
    Stage.CANCELLING: _cancelling,
    Stage.COMPLETED: _completed,
    Stage.CANCELLED: _cancelled,
}
