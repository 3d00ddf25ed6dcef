"""Why a deployment stands where it stands, and what it is waiting for: reads, never writes."""

from dataclasses import dataclass
from datetime import datetime

from deployments.counting import snapshot
from deployments.models import Deployment
from deployments.outlook import next_words
from deployments.planner import next_look, plan
from deployments.strategy import policy_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons of the steps the engine would take now, and what it waits for."""

    steps: list[str]
    waiting: list[str]
    next_look: datetime | None


def explain(deployment: Deployment, *, now: datetime) -> Explanation:
    """Asks the planner the same as the engine does, from the same snapshot."""
    seen = snapshot(deployment, policy_of(deployment.strategy), now)
    steps = [step.reason for step in plan(seen, now)]
    return Explanation(steps, next_words(deployment, seen, now), next_look(seen))
