"""What each kind of step does to the world."""

from deployments.models import Deployment
from deployments.states import ACTIVE, Stage
from tests.simulation import befalling, pressing, rows
from tests.simulation.rules import broken
from tests.simulation.steps import Step
from tests.simulation.world import World


def do(world: World, step: Step) -> None:
    """One step, whatever it is."""
    _DOINGS[step.op](world, **step.args)


def _live(world: World, rounds: int, seconds: int, first: int) -> None:
    """Time passes, everybody is awake."""
    for _ in range(rounds):
        world.later(seconds)
        edges = world.edges[first:] + world.edges[:first]
        for edge in edges:
            edge.act(world)
        world.beat()


def _settle(world: World, rounds: int) -> None:
    """Devices are well for a while and people let it go on."""
    moods = [unit.mood for unit in world.units]
    for unit in world.units:
        unit.mood = "quick"
    for _ in range(rounds):
        _live(world, 1, 3700, 0)
        pressing.push(world)
    for unit, mood in zip(world.units, moods, strict=True):
        unit.mood = mood


def _pass(world: World, seconds: int) -> None:
    world.later(seconds)
    world.beat()


def _beat(world: World) -> None:
    world.beat()


def _poke(world: World, which: int) -> None:
    """A look too early: without news it changes nothing at all."""
    deployment = pressing.chosen(world, which)
    if deployment is None or Stage(deployment.stage) not in ACTIVE:
        return
    mine = Deployment.objects.filter(pk=deployment.pk)
    free = deployment.claimed_until is None or deployment.claimed_until <= world.now
    if not free or mine.filter(instances__unjudged=True).exists():
        return
    if deployment.due_at is not None and deployment.due_at <= world.now:
        return
    before = rows.read(world.rows)
    mine.update(due_at=world.now)
    world.counts["poke"] += 1
    world.tick(deployment.pk)
    after = rows.read(before)
    after.deployments[deployment.pk] = after.deployments[deployment.pk]._replace(claimed_until=None)
    was = before.deployments[deployment.pk]
    before.deployments[deployment.pk] = was._replace(claimed_until=None)
    if before != after:
        broken("10: a look without news changes nothing", difference(before, after))


def difference(before: rows.Rows, after: rows.Rows) -> str:
    """What two readings do not have in common."""
    told = []
    for name in vars(before):
        one, other = getattr(before, name), getattr(after, name)
        told += [
            f"{one.get(pk)} → {other.get(pk)}" for pk in one | other if one.get(pk) != other.get(pk)
        ]
    return "; ".join(told)


def _die(world: World, at: int, doing: Step) -> None:
    """The process that does it ends before its statement number `at`."""
    with world.interrupted(at):
        do(world, doing)


def _meanwhile(world: World, at: int, doing: Step, other: Step) -> None:
    """Another process does something between two statements of this one."""

    def cross() -> None:
        world.counts["crossed"] += 1
        do(world, other)

    with world.interrupted(at, cross):
        do(world, doing)


_DOINGS = {
    "deprecate": pressing.deprecate,
    "live": _live,
    "settle": _settle,
    "pass": _pass,
    "beat": _beat,
    "look_at": pressing.look_at,
    "poke": _poke,
    "sensible": pressing.press_sensibly,
    "press": pressing.press_one,
    "rollout": pressing.roll_out,
    "mood": befalling.set_mood,
    "act": befalling.act,
    "head": befalling.head,
    "repeat": befalling.repeat,
    "flush": befalling.flush,
    "line": befalling.switch_line,
    "retire": befalling.retire,
    "accept": befalling.accept,
    "leave": befalling.leave,
    "return": befalling.come_back,
    "die": _die,
    "meanwhile": _meanwhile,
}
