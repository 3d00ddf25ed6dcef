"""Many seeds in a test, and how often each kind of thing has to happen in them."""

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.simulation import plant, running, shrinking
from tests.simulation.steps import draw

#: Seeds in one test, so that each test stays well within its time.
TOGETHER = 15
#: Seconds for making a failing seed shorter.
PATIENCE = 90
#: Fewer of these in 150 seeds mean that the generator has gone soft.
FLOORS = {
    "step": 40 * 150,
    # What the engine does by itself.
    "engine: released": 400,
    "engine: rolling → gate": 160,
    "engine: gate → rolling": 20,
    "engine: rolling → held": 6,
    "engine: rolling → rolling_back": 30,
    "engine: rolling → completed": 130,
    "engine: cancelling → cancelled": 10,
    "engine: rolling_back → rolled_back": 110,
    "engine: ready → rolling": 1,
    "engine: restored": 70,
    "engine: nothing_to_remove": 2,
    "engine: retried": 45,
    "engine: taken_back": 25,
    "engine: deferred": 8,
    "engine: timed_out": 20,
    "engine: unreachable": 40,
    # What people do, and what is refused them.
    "promote_canary": 35,
    "approve_batch": 75,
    "pause": 35,
    "resume": 30,
    "retry_failed": 18,
    "rollback": 65,
    "cancel": 28,
    "give_up": 8,
    "approve": 5,
    "deny": 12,
    "schedule": 5,
    "edit": 40,
    "refused": 500,
    "stale page": 18,
    # What devices do and say, and how they end.
    "report": 2000,
    "late report": 55,
    "repeat": 50,
    "lie": 10,
    "left": 15,
    "retired": 35,
    "instance failed": 55,
    "instance superseded": 15,
    "instance skipped": 200,
    "failure drifted": 6,
    "failure failed": 5,
    "failure timed_out": 1,
    "failure unreachable": 20,
    "failure rollback_failed": 45,
    "revision restores": 40,
    "revision removes": 200,
    "revision withdrawn": 90,
    # What is interrupted: by a death between two statements, by somebody else, by a lost broker.
    "crash": 55,
    "crossed": 45,
    "flush": 12,
}


class Batch:
    """Seeds and what happened in them."""

    def __init__(self, seeds: range) -> None:
        self.seeds = seeds
        self.counts: dict[int, Counter[str]] = {}

    @property
    def parts(self) -> list[range]:
        """The seeds, some together."""
        starts = range(self.seeds.start, self.seeds.stop, TOGETHER)
        return [range(one, min(one + TOGETHER, self.seeds.stop)) for one in starts]

    def hold(self, seeds: Iterable[int]) -> None:
        """Fails with a short story about the first seed that breaks a rule."""
        built = plant.build()
        for seed in seeds:
            outcome = running.run_seed(built, seed)
            self.counts[seed] = outcome.counts
            if outcome.error is not None:
                steps, last = shrinking.shrink(built, draw(seed), outcome, patience=PATIENCE)
                pytest.fail(shrinking.story(seed, steps, last), pytrace=False)

    def rare(self) -> dict[str, tuple[int, int]]:
        """What happened less often than it must, with both numbers; runs what was not yet run."""
        self.hold(seed for seed in self.seeds if seed not in self.counts)
        total = sum((self.counts[seed] for seed in self.seeds), Counter())
        return {name: (total[name], floor) for name, floor in FLOORS.items() if total[name] < floor}
