"""What the clients of one fleet share."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from devices.simulator.journal import Journal, Line
from devices.simulator.options import Options


@dataclass
class Surroundings:
    """Options, trust anchors, journal and the counts of what happened.

    `outcomes` is what the journal of an earlier run says of each client's deployments.
    """

    options: Options
    anchors: bytes
    journal: Journal
    gate: asyncio.Semaphore
    outcomes: Mapping[tuple[str, str], Line] = field(default_factory=dict)
    started_at: float = field(default_factory=monotonic)
    counts: Counter[str] = field(default_factory=Counter)

    def elapsed_seconds(self) -> float:
        """Seconds since the fleet started."""
        return monotonic() - self.started_at

    def summary(self) -> str:
        """One line of what the fleet has done so far."""
        return _words(self.counts)


def _words(counts: Mapping[str, int]) -> str:
    shown = ("polls", "unchanged", "fetched", "installed", "failed", "removed", "reported")
    return ", ".join(
        [f"{counts[name]} {name}" for name in shown]
        + [f"{counts[name]} {name}" for name in ("refused", "unreachable") if counts[name]]
    )
