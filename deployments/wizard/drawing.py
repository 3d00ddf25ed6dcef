"""The plan as Review draws it: batches one below the other, with the gates between them."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployments import strategy
from deployments.states import Gate
from deployments.submitting import Preview, ShownBatch

#: So many batches are drawn; of more than these the middle is only counted.
DRAWN = 12
#: So many devices of a batch are named.
NAMED = 5
#: A batch is drawn so wide at least, in per cent, that it can be seen.
NARROWEST = 0.8


@dataclass(frozen=True, slots=True)
class Leg:
    """A batch with the part of those who get it that it is, and how it comes to its turn.

    Devices that cannot run it come last in the plan and are skipped, so they are not part of it.
    `by_hand` says that somebody has to let it start; `between` counts the batches before it that
    are not drawn.
    """

    batch: ShownBatch
    left: str
    width: str
    by_hand: bool
    between: int = 0

    @property
    def named(self) -> list[str]:
        """Its first devices."""
        return self.batch.devices[: min(NAMED, self.batch.fitting)]

    @property
    def more(self) -> int:
        """How many devices get it besides those that are named."""
        return self.batch.fitting - len(self.named)


def drawn(stored: Mapping[str, object], plan: Preview) -> list[Leg]:
    """The first batches of the plan, and the last one in which a device gets it."""
    legs: list[Leg] = []
    done = 0
    batches = [batch for batch in plan.batches if batch.fitting]
    for batch in batches:
        if batch.number < DRAWN or batch is batches[-1]:
            between = batch.number - legs[-1].batch.number - 1 if legs else 0
            legs.append(_leg(stored, batch, done, plan.fitting, between))
        done += batch.fitting
    return legs


def _leg(
    stored: Mapping[str, object], batch: ShownBatch, done: int, total: int, between: int
) -> Leg:
    width = max(NARROWEST, 100 * batch.fitting / total)
    left = min(100 * done / total, 100 - width)
    return Leg(batch, f"{left:.3f}", f"{width:.3f}", _by_hand(stored, batch.number), between)


def _by_hand(stored: Mapping[str, object], number: int) -> bool:
    """Whether the gate before the batch waits for a person."""
    gate = Gate.CANARY if number == 2 and strategy.has_canary(stored) else Gate.BATCH
    return number > 1 and not strategy.policy_of(stored).gate(gate).automatic
