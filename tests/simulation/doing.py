"""What each kind of step does to the world."""

from datetime import timedelta

from applications.models import ApplicationVersion
from deployments import drafting, moves, strategy, submitting
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.states import ACTIVE, FINISHED, VERBS, Action, Stage, allowed
from devices import onboarding, registry
from tests.simulation import rows
from tests.simulation.rules import broken
from tests.simulation.steps import Step
from tests.simulation.world import World

#: When people let a deployment start by itself.
SOON = timedelta(minutes=10)
#: How often people press which of the buttons that they see.
LIKELY = {
    Action.PROMOTE_CANARY: 6,
    Action.APPROVE_BATCH: 6,
    Action.RESUME: 6,
    Action.START: 6,
    Action.SUBMIT: 6,
    Action.APPROVE: 6,
    Action.RETRY_FAILED: 4,
    Action.ROLLBACK: 3,
    Action.PAUSE: 3,
    Action.GIVE_UP: 3,
    Action.CANCEL: 2,
}


def do(world: World, step: Step) -> None:
    """One step, whatever it is."""
    _DOINGS[step.op](world, **step.args)


def press(
    world: World,
    deployment: Deployment,
    action: Action,
    person: int,
    before: rows.Rows | None = None,
) -> bool:
    """A button; a refusal is a sentence and changes no row. Answers whether it was done."""
    actor = world.plant.people[person]
    try:
        _press(world, deployment, action, actor)
    except MoveRefusedError as refusal:
        world.counts["refused"] += 1
        if not str(refusal).strip():
            broken("24: a refusal is a sentence", action)
        if before and world.interruption is None and rows.read(before) != before:
            broken("24: a refusal changes no row", action, refusal)
        return False
    world.counts[action.value] += 1
    return True


def _press(world: World, deployment: Deployment, action: Action, actor) -> None:
    now = world.now
    if action is Action.EDIT:
        moves.reopen(deployment, actor=actor, now=now)
    elif action is Action.SUBMIT:
        submitting.submit(deployment, actor=actor, now=now)
    elif action is Action.ASK_APPROVAL:
        submitting.submit(deployment, actor=actor, now=now, ask_approval=True)
    elif action is Action.SCHEDULE:
        at = now + SOON
        moves.schedule(deployment, at, actor=actor, now=now)
    else:
        _VERBS[action](deployment, actor=actor, now=now, reason="because")


_VERBS = {
    Action.APPROVE: moves.approve,
    Action.DENY: moves.deny,
    Action.START: moves.start,
    Action.PROMOTE_CANARY: moves.promote_canary,
    Action.APPROVE_BATCH: moves.approve_batch,
    Action.RESUME: moves.resume,
    Action.PAUSE: moves.pause,
    Action.RETRY_FAILED: moves.retry_failed,
    Action.GIVE_UP: moves.give_up_rest,
    Action.ROLLBACK: moves.roll_back,
    Action.CANCEL: moves.cancel,
    Action.DELETE: moves.delete,
}


def _rollout(world: World, app, version, devices, speed, until, strategy) -> None:
    """A new deployment, by the wizard's verbs, as far as `until`."""
    plant, now, actor = world.plant, world.now, world.plant.people[0]
    try:
        draft = drafting.create(
            version=plant.versions[app, version],
            profile_id="compose",
            name=f"Rollout {len(world.deployments) + 1}",
            actor=actor,
            now=now,
            targeting={"ids": [plant.devices[index].pk for index in devices]},
        )
    except MoveRefusedError:
        world.counts["refused"] += 1
        return
    world.deployments.append(draft.pk)
    try:
        drafting.set_parameters(draft, {"speed": speed}, actor=actor, now=now)
        drafting.set_rollout(draft, _usable(strategy), actor=actor, now=now)
    except MoveRefusedError as refusal:
        if world.interruption is None:
            broken("a draft can be edited", refusal)
        return
    world.pages[draft.pk] = Deployment.objects.get(pk=draft.pk)
    if until == "draft":
        return
    asks = until == "asked"
    if press(world, draft, Action.ASK_APPROVAL if asks else Action.SUBMIT, 0):
        if asks or until != "started":
            return
        if press(world, draft, Action.START, 0):
            world.tick(draft.pk)


def _usable(drawn: dict[str, object]) -> dict[str, object]:
    """The drawn strategy, which nobody may refuse."""
    try:
        strategy.checked(drawn)
    except strategy.StrategyError as problem:
        broken("the drawn strategy can be used", problem)
    return drawn


def _chosen(world: World, which: int) -> Deployment | None:
    """A deployment, the newest first, that is still there."""
    there = list(Deployment.objects.filter(pk__in=world.deployments).order_by("-pk"))
    live = [one for one in there if one.stage not in FINISHED] or there
    pool = live if which < 5 else there
    return pool[which % len(pool)] if pool else None


def _sensible(world: World, which: int, pick: float, person: int) -> None:
    """One of the buttons that the page shows."""
    deployment = _chosen(world, which)
    if deployment is None:
        return
    buttons = [
        one
        for one in allowed(Stage(deployment.stage), deployment.gate_kind)
        if one is not Action.ASK_APPROVAL
    ]
    if not buttons:
        return
    weighted = [one for one in buttons for _ in range(LIKELY.get(one, 1))]
    press(world, deployment, weighted[int(pick * (len(weighted) - 1))], person, world.rows)


def _press_one(world: World, which: int, button: str, person: int, stale: bool) -> None:
    deployment = _chosen(world, which)
    if deployment is None:
        return
    page = world.pages.get(deployment.pk, deployment)
    if not stale:
        page = deployment
        world.pages[deployment.pk] = Deployment.objects.get(pk=deployment.pk)
    elif page.updated_at != deployment.updated_at:
        world.counts["stale page"] += 1
    action = Action(button)
    possible = Stage(deployment.stage) in VERBS[action].moves
    # A draft that was open for editing is not opened again, whatever became of it.
    possible |= action is Action.EDIT and page.stage == Stage.DRAFT
    authors = set(page.authors)
    done = press(world, page, action, person, world.rows)
    if done and action is Action.APPROVE and world.plant.people[person].pk in authors:
        broken("10: an author does not approve", page.pk)
    if done and not possible and world.interruption is None:
        broken("6: what the table does not have is refused", action, deployment.stage)


def _deprecate(world: World, version: str, again: bool) -> None:
    """No new rollout of it; what runs it runs on, and is put back all the same."""
    states = ApplicationVersion.State
    to = states.AVAILABLE if again else states.DEPRECATED
    world.plant.versions["mixer", version].state = to
    ApplicationVersion.objects.filter(application__app_id="mixer", version=version).update(state=to)


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
        push(world)
    for unit, mood in zip(world.units, moods, strict=True):
        unit.mood = mood


PUSH = {
    Stage.HELD: Action.RESUME,
    Stage.PAUSED: Action.RESUME,
    Stage.READY: Action.START,
    Stage.AWAITING_APPROVAL: Action.DENY,
}
GATES = {"canary": Action.PROMOTE_CANARY, "batch": Action.APPROVE_BATCH}


def push(world: World) -> None:
    """Somebody does what each deployment waits for; what cannot start is cancelled."""
    for deployment in Deployment.objects.filter(pk__in=world.deployments).order_by("pk"):
        action = GATES.get(deployment.gate) or PUSH.get(Stage(deployment.stage))
        if action is None:
            continue
        done = press(world, deployment, action, 1)
        if not done and action is Action.START:
            press(world, deployment, Action.CANCEL, 1)


def _pass(world: World, seconds: int) -> None:
    world.later(seconds)
    world.beat()


def _beat(world: World) -> None:
    world.beat()


def _look_at(world: World, which: int) -> None:
    """Somebody looks at a page, and a stray task at the deployment."""
    if (deployment := _chosen(world, which)) is not None:
        world.pages[deployment.pk] = deployment
        world.tick(deployment.pk)


def _poke(world: World, which: int) -> None:
    """A look too early: without news it changes nothing at all."""
    deployment = _chosen(world, which)
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


def _mood(world: World, device: int, mood: str) -> None:
    world.units[device].mood = mood


def _act(world: World, edge: int) -> None:
    world.edges[edge].act(world)


def _head(world: World, edge: int) -> None:
    if world.edges[edge].reachable:
        world.head(world.edges[edge])


def _repeat(world: World, edge: int, back: int) -> None:
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


def _flush(world: World, edge: int, backwards: bool) -> None:
    world.counts["flush"] += bool(world.edges[edge].outbox)
    for said in world.edges[edge].outbox:
        world.units[said.unit].muddled = True
    world.edges[edge].flush(world, backwards=backwards)


def _line(world: World, edge: int, online: bool) -> None:
    world.edges[edge].online = online


def _retire(world: World, edge: int) -> None:
    client = world.plant.clients[edge]
    client.refresh_from_db()
    onboarding.retire(client, actor=world.plant.people[1], now=world.now)
    world.edges[edge].accepted = False
    world.counts["retired"] += 1


def _accept(world: World, edge: int) -> None:
    client = world.plant.clients[edge]
    client.refresh_from_db()
    onboarding.accept(client, actor=world.plant.people[1], now=world.now)
    world.edges[edge].accepted = True


def _leave(world: World, device: int) -> None:
    edge, unit = _where(world, device)
    if unit.away or not edge.reachable:
        return
    registry.remove(world.plant.clients[edge.index], unit.path, world.now)
    world.counts["left"] += 1
    for one in edge.units:
        if one.path == unit.path or one.path.startswith(f"{unit.path}/"):
            one.away = True


def _return(world: World, device: int) -> None:
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
    "deprecate": _deprecate,
    "live": _live,
    "settle": _settle,
    "pass": _pass,
    "beat": _beat,
    "look_at": _look_at,
    "poke": _poke,
    "sensible": _sensible,
    "press": _press_one,
    "rollout": _rollout,
    "mood": _mood,
    "act": _act,
    "head": _head,
    "repeat": _repeat,
    "flush": _flush,
    "line": _line,
    "retire": _retire,
    "accept": _accept,
    "leave": _leave,
    "return": _return,
    "die": _die,
    "meanwhile": _meanwhile,
}
