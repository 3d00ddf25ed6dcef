"""What befalls devices and their clients: they act, say things twice, go away and come back."""

from devices import onboarding, registry
from tests.simulation.world import World


def set_mood(world: World, device: int, mood: str) -> None:
    """How well a device does what it is told, from now on."""
    world.units[device].mood = mood


def act(world: World, edge: int) -> None:
    """The client polls, fetches and reports, as far as it can."""
    world.edges[edge].act(world)


def head(world: World, edge: int) -> None:
    """The client asks for the headers of its manifest alone."""
    if world.edges[edge].reachable:
        world.head(world.edges[edge])


def repeat(world: World, edge: int, back: int) -> None:
    """Something that was said before arrives once more, maybe long after it was true."""
    one = world.edges[edge]
    if not one.reachable or not one.said:
        return
    said = one.said[-min(back, len(one.said))]
    unit = world.units[said.unit]
    unit.muddled = True
    unit.untrusted |= said.adopted is None
    world.counts["repeat"] += 1
    world.tell(one, said)


def flush(world: World, edge: int, backwards: bool) -> None:
    """What was kept back while nobody could be reached arrives, maybe in the wrong order."""
    world.counts["flush"] += bool(world.edges[edge].outbox)
    for said in world.edges[edge].outbox:
        world.units[said.unit].muddled = True
    world.edges[edge].flush(world, backwards=backwards)


def switch_line(world: World, edge: int, online: bool) -> None:
    """The client can be reached, or cannot."""
    world.edges[edge].online = online


def retire(world: World, edge: int) -> None:
    """Somebody retires the client."""
    client = world.plant.clients[edge]
    client.refresh_from_db()
    onboarding.retire(client, actor=world.plant.people[1], now=world.now)
    world.edges[edge].accepted = False
    world.counts["retired"] += 1


def accept(world: World, edge: int) -> None:
    """Somebody lets the client in, for the first time or again."""
    client = world.plant.clients[edge]
    client.refresh_from_db()
    onboarding.accept(client, actor=world.plant.people[1], now=world.now)
    world.edges[edge].accepted = True


def leave(world: World, device: int) -> None:
    """The device goes, with all that is behind it."""
    edge, unit = _where(world, device)
    if unit.away or not edge.reachable:
        return
    registry.remove(world.plant.clients[edge.index], unit.path, world.now)
    world.counts["left"] += 1
    for one in edge.units:
        if one.path == unit.path or one.path.startswith(f"{unit.path}/"):
            one.away = True


def come_back(world: World, device: int) -> None:
    """The device is there again, with all that it is behind."""
    edge, unit = _where(world, device)
    if not edge.reachable:
        return
    for one in edge.units:
        if one.away and (one is unit or unit.path.startswith(f"{one.path}/")):
            row = world.plant.devices[one.index]
            document = {"properties": row.properties, "labels": row.reported_labels}
            registry.report(world.plant.clients[edge.index], one.path, document, "", world.now)
            one.away = False


def _where(world: World, device: int):
    unit = world.units[device]
    return next(edge for edge in world.edges if unit in edge.units), unit
