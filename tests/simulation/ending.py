"""How a world ends: everything is mended, time passes, and all that was wanted is really there."""

from deployments.models import Deployment, Workload
from deployments.states import FINISHED, Stage
from tests.simulation.doing import do
from tests.simulation.pressing import push
from tests.simulation.rules import broken
from tests.simulation.steps import Step
from tests.simulation.world import World

#: After so many rounds of an hour and more a world must have come to rest.
ROUNDS = 40


def heal(world: World) -> None:
    """All devices are back and well; nobody does anything but let the rollouts go on."""
    for edge in world.edges:
        edge.online = True
        do(world, Step("accept", {"edge": edge.index}))
    for unit in world.units:
        unit.mood = "quick"
        do(world, Step("return", {"device": unit.index}))
    for edge in world.edges:
        do(world, Step("flush", {"edge": edge.index, "backwards": False}))
        edge.forgive()


def rest(world: World) -> None:
    """Time passes until nothing moves; every deployment comes to an end."""
    for _ in range(ROUNDS):
        do(world, Step("live", {"rounds": 1, "seconds": 4000, "first": 0}))
        push(world)
        if not _moving():
            break
    else:
        broken("every deployment comes to an end", _moving())
    do(world, Step("live", {"rounds": 2, "seconds": 60, "first": 0}))


def compare(world: World) -> None:
    """What each device really runs is what is wanted there."""
    rows = Workload.objects.select_related("wanted", "application", "installed").order_by("pk")
    for workload in rows:
        unit = world.unit_of[workload.device_id]
        runs = unit.runs.get(workload.application.app_id)
        wanted = workload.wanted
        edge = next(edge for edge in world.edges if unit in edge.units)
        entry = edge.entries.get(str(workload.uid))
        if wanted is None or wanted.removal:
            if runs is not None or entry is not None:
                broken("in the end nothing runs that is not wanted", unit.path, runs)
            continue
        if entry is None or entry.digest != wanted.digest:
            broken("in the end each device knows what is wanted", unit.path, wanted)
        if runs is None or edge.work[entry.uid].entry.digest != wanted.digest:
            broken("in the end each device runs what is wanted", unit.path, runs, wanted)
        if edge.work[entry.uid].document != runs:
            broken("in the end each device runs what is wanted", unit.path, runs, wanted)
        told = workload.state == "installed" or unit.muddled
        if workload.installed_id != wanted.pk or not told:
            broken("in the end the portal knows it", unit.path, workload.state)


def _moving() -> list[tuple[int, str]]:
    still = [stage.value for stage in Stage if stage not in FINISHED | {Stage.DRAFT}]
    return list(Deployment.objects.filter(stage__in=still).values_list("pk", "stage"))
