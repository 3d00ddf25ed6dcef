"""What happens next with a deployment, in words, so that nobody has to guess.

The planner says it; where it has nothing to say, or a person needs to know more, it is added here.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from deployments import approval
from deployments.models import Deployment
from deployments.planner import Snapshot, next_look, unhealthy, waiting_for
from deployments.planner.health import verdict
from deployments.states import Stage, State
from deployments.words import devices

#: The names of the wizard's steps, in their order.
STEPS = ("Application and version", "Devices", "Parameters", "Rollout", "Review")
#: Above so many seconds a countdown goes in steps of so many, so that a page that is open does
#: not change all the time.
COUNTDOWN = ((172_800, 3_600), (7_200, 300), (120, 60), (20, 10), (0, 5))

Added = Callable[[Deployment, Snapshot], list[str]]


def next_words(deployment: Deployment, seen: Snapshot, now: datetime) -> list[str]:
    """What happens next, or what a person can do, a sentence each."""
    said = waiting_for(seen, steady(seen, now))
    if seen.stage in FIRST:
        said = [*FIRST[seen.stage](deployment), *said]
    added = ADDED.get(seen.stage, _nothing)(deployment, seen)
    return [*said, *added] or ["The engine looks at it within a second."]


def step_name(number: int) -> str:
    """The name of a step of the wizard, counted from 1."""
    return STEPS[min(max(number, 1), len(STEPS)) - 1]


def steady(seen: Snapshot, now: datetime) -> datetime:
    """The moment from which a countdown is told: `now`, or a little before."""
    look = next_look(seen)
    if look is None or look <= now:
        return now
    left = (look - now).total_seconds()
    step = next(step for limit, step in COUNTDOWN if left > limit)
    return look - timedelta(seconds=math.ceil(left / step) * step)


def _nothing(_deployment: Deployment, _seen: Snapshot) -> list[str]:
    return []


def _draft(deployment: Deployment, _seen: Snapshot) -> list[str]:
    number = min(max(deployment.wizard_step, 1), len(STEPS))
    return [
        f"It is at step {number} of {len(STEPS)}, {step_name(number)}.",
        "Nothing reaches a device before it is started.",
    ]


def _who_wants_approval(deployment: Deployment) -> list[str]:
    """Said to all in the same words: a live page is made once for everybody."""
    rules = [str(reason) for reason in deployment.approval_reasons]
    asked = [f"{approval.asker(deployment)} asked for approval."] * deployment.asks_approval
    return [*asked, *rules]


def _ready(_deployment: Deployment, seen: Snapshot) -> list[str]:
    return ["Until then nothing reaches a device.", *_start(seen)]


def _start(seen: Snapshot) -> list[str]:
    """What Start does to how many devices."""
    parts = [batch for batch in seen.batches if batch.queued]
    if not parts:
        return []
    number, first = devices(seen.count(State.QUEUED)), devices(parts[0].queued)
    if len(parts) == 1:
        return [f"Started, it goes to {number} at once."]
    return [f"Started, it goes to {first} first, of {number} in {len(parts)} batches."]


def _held(_deployment: Deployment, seen: Snapshot) -> list[str]:
    numbers = [
        f"{verdict(batch, seen.policy)}." for batch in seen.batches if unhealthy(batch, seen.policy)
    ]
    again = f"Retry failed tries it again on {devices(seen.count(State.FAILED))}."
    return [*numbers, again, f"Resume goes on despite the failures: {_left_over(seen)}."]


def _paused(_deployment: Deployment, seen: Snapshot) -> list[str]:
    return [f"Resume goes on where it stopped: {_left_over(seen)}."]


def _left_over(seen: Snapshot) -> str:
    number = seen.count(State.QUEUED)
    return f"{devices(number)} still {'has' if number == 1 else 'have'} to get it"


def _completed(_deployment: Deployment, seen: Snapshot) -> list[str]:
    failed = seen.count(State.FAILED)
    if failed:
        return [
            f"It is over: {devices(failed)} failed.",
            "An operator can try once more there with Retry failed.",
            "Roll back would put back what ran before, everywhere.",
        ]
    return ["It is over. The devices keep the application until another deployment changes it."]


def _rolled_back(_deployment: Deployment, seen: Snapshot) -> list[str]:
    if seen.unrestored:
        failed = devices(seen.unrestored)
        return [
            f"It is over: {failed} could not be put back.",
            "An operator can try once more there with Retry failed.",
        ]
    return ["It is over. Every device that it reached has what it ran before."]


def _cancelled(_deployment: Deployment, seen: Snapshot) -> list[str]:
    installed = seen.count(State.INSTALLED)
    if installed:
        keep = "had installed it and keeps it" if installed == 1 else "had installed it and keep it"
        return [f"It is over. {devices(installed).capitalize()} {keep}."]
    return ["It is over. No device has installed it."]


#: What is said before all else.
FIRST: dict[Stage, Callable[[Deployment], list[str]]] = {
    Stage.AWAITING_APPROVAL: _who_wants_approval,
    Stage.CANCELLING: lambda _: [
        "Nothing new is sent out; it is cancelled when the others have finished."
    ],
}
ADDED: dict[Stage, Added] = {
    Stage.DRAFT: _draft,
    Stage.AWAITING_APPROVAL: _ready,
    Stage.READY: _ready,
    Stage.HELD: _held,
    Stage.PAUSED: _paused,
    Stage.COMPLETED: _completed,
    Stage.ROLLED_BACK: _rolled_back,
    Stage.CANCELLED: _cancelled,
}
