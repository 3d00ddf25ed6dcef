"""Why a deployment stands where it stands, and what it is waiting for: reads, never writes."""

from dataclasses import dataclass
from datetime import datetime

from deployments.counting import snapshot
from deployments.models import Deployment
from deployments.outlook import next_words
from deployments.planner import next_look, plan
from deployments.states import FINISHED
from deployments.strategy import policy_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons of the steps the engine would take now, and what it waits for.

    Once it is over nothing is waited for: `end` says how it ended, and what a person can still do.
    """

    steps: list[str]
    waiting: list[str]
    end: list[str]
    next_look: datetime | None


def explain(deployment: Deployment, *, now: datetime) -> Explanation:
    """Asks the planner the same as the engine does, from the same snapshot."""
    seen = snapshot(deployment, policy_of(deployment.strategy), now)
    steps = [step.reason for step in plan(seen, now)]
    said, over = next_words(deployment, seen, now), deployment.stage in FINISHED
    return Explanation(steps, [] if over else said, said if over else [], next_look(seen))
