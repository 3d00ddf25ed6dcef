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
FLOORS = {}


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
