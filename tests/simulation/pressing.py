"""What people do to the world: they plan rollouts, look at pages and press buttons."""

from datetime import timedelta

from applications.models import ApplicationVersion
from deployments import drafting, moves, strategy, submitting
from deployments.models import Deployment
from deployments.moves import MoveRefusedError
from deployments.states import FINISHED, VERBS, Action, Stage, allowed
from tests.simulation import rows
from tests.simulation.rules import broken
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


def roll_out(world: World, app, version, devices, speed, until, strategy) -> None:
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


def chosen(world: World, which: int) -> Deployment | None:
    """A deployment, the newest first, that is still there."""
    there = list(Deployment.objects.filter(pk__in=world.deployments).order_by("-pk"))
    live = [one for one in there if one.stage not in FINISHED] or there
    pool = live if which < 5 else there
    return pool[which % len(pool)] if pool else None


def press_sensibly(world: World, which: int, pick: float, person: int) -> None:
    """One of the buttons that the page shows."""
    deployment = chosen(world, which)
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


def press_one(world: World, which: int, button: str, person: int, stale: bool) -> None:
    """This button, on a page as it is now or as somebody opened it long ago."""
    deployment = chosen(world, which)
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


def deprecate(world: World, version: str, again: bool) -> None:
    """No new rollout of it; what runs it runs on, and is put back all the same."""
    states = ApplicationVersion.State
    to = states.AVAILABLE if again else states.DEPRECATED
    world.plant.versions["mixer", version].state = to
    ApplicationVersion.objects.filter(application__app_id="mixer", version=version).update(state=to)


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


def look_at(world: World, which: int) -> None:
    """Somebody looks at a page, and a stray task at the deployment."""
    if (deployment := chosen(world, which)) is not None:
        world.pages[deployment.pk] = deployment
        world.tick(deployment.pk)
