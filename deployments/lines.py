"""A deployment as one line of a list."""

from dataclasses import dataclass

from deployments import queries, strategy
from deployments.models import Deployment
from deployments.states import ACTIVE, GOING_BACK, Stage, State

#: Lines on one page of the list, and the most that a page may ask for.
PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """A deployment with what the list says about its devices."""

    deployment: Deployment
    total: int
    installed: int
    bar: list[tuple[str, str, int]]
    strategy: str
    words: str

    @property
    def moving(self) -> bool:
        """It may be another one in a moment, without anybody's doing."""
        stage = Stage(self.deployment.stage)
        return stage in ACTIVE or (stage is Stage.READY and self.deployment.start_at is not None)

    @property
    def stumbled(self) -> bool:
        """The engine stumbled over it at its last look, and will look again."""
        watched = ACTIVE | {Stage.READY}
        return bool(self.deployment.trouble) and Stage(self.deployment.stage) in watched


def line(deployment: Deployment) -> Line:
    """A deployment as lists show it, from its stored summary."""
    counts = {State(name): n for name, n in deployment.summary.get("counts", {}).items()}
    total, installed = deployment.summary.get("total", 0), counts.get(State.INSTALLED, 0)
    skipped = counts.get(State.SKIPPED, 0)
    words = f"{installed}/{total - skipped} successful"
    if Stage(deployment.stage) in GOING_BACK:
        back, due = queries.put_back(counts)
        words = f"{back}/{due} put back"
    return Line(
        deployment,
        total=total,
        installed=installed,
        words=f"{words}, {skipped} skipped" if skipped else words,
        bar=[tally.part for tally in queries.tallies(counts)],
        strategy=strategy.WORDS.get(deployment.strategy.get("kind", ""), "–"),
    )


def moving(lines: list[Line]) -> bool:
    """Whether there is something to follow."""
    return any(one.moving for one in lines)
