"""A failing seed made short: steps are left out as long as the same thing goes wrong."""

import time
import traceback
from collections.abc import Sequence

from tests.simulation.plant import Plant
from tests.simulation.running import Outcome, run
from tests.simulation.steps import Step


def shrink(
    plant: Plant, steps: Sequence[Step], outcome: Outcome, *, patience: float = 600
) -> tuple[list[Step], Outcome]:
    """The fewest steps that fail in the same way, as far as they are found in that time."""
    until = time.monotonic() + patience
    kept = list(steps[: outcome.at])
    size = max(1, len(kept) // 2)
    while time.monotonic() < until:
        kept, outcome, shorter = _pass(plant, kept, outcome, size, until)
        if size > 1:
            size //= 2
        elif not shorter:
            break
    return kept, outcome


def _pass(
    plant: Plant, kept: list[Step], outcome: Outcome, size: int, until: float
) -> tuple[list[Step], Outcome, bool]:
    shorter, start = False, len(kept) - size
    while start > -size and time.monotonic() < until:
        fewer = kept[: max(0, start)] + kept[max(0, start) + size :]
        tried = run(plant, fewer)
        if kind(tried) == kind(outcome):
            kept, outcome, shorter = fewer[: tried.at], tried, True
        start -= size
    return kept, outcome, shorter


def kind(outcome: Outcome) -> str:
    """What went wrong, without the numbers of this world."""
    words = outcome.told.split(": ")
    return ": ".join(words[:3] if words[0] == "BrokenRuleError" else words[:1])


def story(seed: int, steps: Sequence[Step], outcome: Outcome) -> str:
    """What to read when a seed fails."""
    lines = [f"{number:3} {step}" for number, step in enumerate(steps, 1)]
    return "\n".join(
        [
            f"Seed {seed} breaks a rule; these {len(steps)} steps are enough:",
            *lines,
            f"then {outcome.told}",
            *(line.rstrip() for line in traceback.format_tb(outcome.error.__traceback__)[-2:]),
        ]
    )
