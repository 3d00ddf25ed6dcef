"""Runs the steps of a seed in a world of its own, and asks all rules after each of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from django.db import connection, transaction

from tests.simulation import ending, rows
from tests.simulation.doing import do
from tests.simulation.plant import Plant
from tests.simulation.rules import ask_all, counts, shape, wanted
from tests.simulation.steps import Step, draw
from tests.simulation.world import World

CURSORS = "DISABLE_SERVER_SIDE_CURSORS"
#: The rules are asked because these modules are there.
ASKED = (shape, wanted, counts)


@dataclass
class Outcome:
    """How a world went: what happened how often, and what was wrong, if anything."""

    counts: Counter[str] = field(default_factory=Counter)
    error: BaseException | None = None
    told: str = ""
    at: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> bool:
        """Whatever goes wrong in a world is what the world is there for."""
        self.error = error
        # Now, as long as the rows that it speaks of are there.
        self.told = f"{type(error).__name__}: {error}" if error else ""
        return isinstance(error, Exception)


def run(plant: Plant, steps: Sequence[Step]) -> Outcome:
    """Lives through the steps; the database is then as it was before."""
    before = transaction.savepoint()
    plant.renew()
    outcome = Outcome()
    try:
        with outcome, no_cursors_on_the_server():
            world = World(plant)
            outcome.counts = world.counts
            with world.watch.over():
                _live(world, steps, outcome)
            outcome.counts.update(tally(world))
    finally:
        transaction.savepoint_rollback(before)
        connection.run_on_commit = []
    return outcome


@contextmanager
def no_cursors_on_the_server() -> Iterator[None]:
    """A server closes the cursors of a process that dies; in a world nobody would."""
    settings = connection.settings_dict
    was = settings.get(CURSORS, False)
    settings[CURSORS] = True
    try:
        yield
    finally:
        settings[CURSORS] = was


def run_seed(plant: Plant, seed: int) -> Outcome:
    """The world of a seed."""
    return run(plant, draw(seed))


def _live(world: World, steps: Sequence[Step], outcome: Outcome) -> None:
    for number, step in enumerate(steps, 1):
        outcome.at = number
        _one(world, lambda step=step: do(world, step))
        world.counts["step"] += 1
    outcome.at = len(steps) + 1
    _one(world, lambda: ending.heal(world))
    _one(world, lambda: ending.rest(world))
    ending.compare(world)


def _one(world: World, doing) -> None:
    doing()
    now = rows.read(world.rows)
    for edge in world.edges:
        edge.accepted = now.clients[world.plant.clients[edge.index].pk].state == "accepted"
    ask_all(world.rows, now, world)
    world.rows = now
    connection.run_on_commit = []


def tally(world: World) -> Counter[str]:
    """What came of it, as its rows tell."""
    told: Counter[str] = Counter()
    for event in world.rows.events.values():
        by = "engine" if event.actor_id is None else "person"
        if event.to_stage and event.to_stage != event.from_stage:
            told[f"{by}: {event.from_stage} → {event.to_stage}"] += 1
        elif event.kind != "moved":
            told[f"{by}: {event.kind}"] += 1
    for one in world.rows.instances.values():
        told[f"instance {one.state}"] += 1
        if one.failure:
            told[f"failure {one.failure}"] += 1
    for one in world.rows.revisions.values():
        told["revision withdrawn" if one.withdrawn_at else "revision"] += 1
        told["revision restores"] += one.restores_id is not None
        told["revision removes"] += one.removal
    return told
