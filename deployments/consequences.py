"""What an action will do to how many devices, said before it is done, a sentence each."""

from collections.abc import Callable
from datetime import datetime

from deployments import counting, fates, queries
from deployments.fates import Fate
from deployments.models import Deployment
from deployments.planner import Snapshot, opener, unhealthy
from deployments.states import GOING_BACK, UNDER_WAY, Action, Stage, State
from deployments.strategy import policy_of
from deployments.words import devices

#: What a rollback means for devices, said of one and of several.
AFTER_ROLLBACK: dict[Fate, tuple[str, str]] = {
    Fate.BACK: ("goes back to what it ran before.", "go back to what each of them ran before."),
    Fate.BARE: (
        "has the application removed: nothing ran there before.",
        "have the application removed: nothing ran there before.",
    ),
    Fate.TAKEN_BACK: (
        "does not know about it yet: it is taken back.",
        "do not know about it yet: it is taken back.",
    ),
    Fate.SUPERSEDED: (
        "is left alone: a later deployment has changed the application there.",
        "are left alone: a later deployment has changed the application there.",
    ),
    Fate.HELD: (
        "is left alone: another running deployment is changing the application there.",
        "are left alone: another running deployment is changing the application there.",
    ),
    Fate.GONE: (
        "has left the fleet, so it cannot be put back.",
        "have left the fleet, so they cannot be put back.",
    ),
    Fate.UNTOUCHED: (
        "was never reached and stays untouched.",
        "were never reached and stay untouched.",
    ),
    Fate.SKIPPED: ("was skipped and stays as it is.", "were skipped and stay as they are."),
}


def of(deployment: Deployment, action: Action, *, now: datetime) -> list[str]:
    """What will happen to how many devices if somebody does this now."""
    seen = counting.snapshot(deployment, policy_of(deployment.strategy), now)
    return _TELLING[action](deployment, seen)


def _rollback(deployment: Deployment, seen: Snapshot) -> list[str]:
    found = fates.fates(deployment)
    told = [counted(found.get(fate, 0), *words) for fate, words in AFTER_ROLLBACK.items()]
    return [
        *_present(told),
        *_versions_before(deployment),
        "Once begun it goes on to its end; devices that are offline go back when they return.",
    ]


def _versions_before(deployment: Deployment) -> list[str]:
    """What comes back, by name: it may be a version that nobody wants back."""
    found = [f"{version} on {devices(number)}" for version, number in fates.before(deployment)]
    return [f"What ran before: {', '.join(found)}."] if found else []


def _cancel(deployment: Deployment, seen: Snapshot) -> list[str]:
    if deployment.stage in {Stage.AWAITING_APPROVAL, Stage.READY}:
        return _never(seen)
    unsent = queries.unsent(deployment)
    told = [
        counted(seen.count(State.QUEUED), "never gets it.", "never get it."),
        counted(unsent, *AFTER_ROLLBACK[Fate.TAKEN_BACK]),
        _may_finish(seen, unsent),
        _keeps(seen, "has installed it and keeps it.", "have installed it and keep it."),
    ]
    return [*_present(told), "What is installed can still be rolled back afterwards."]


def _pause(deployment: Deployment, seen: Snapshot) -> list[str]:
    unsent = queries.unsent(deployment)
    waiting = seen.count(State.QUEUED) + unsent
    told = [
        counted(waiting, "gets nothing before it is resumed.", "get nothing before it is resumed."),
        _may_finish(seen, unsent),
        _keeps(seen, "has installed it and keeps it.", "have installed it and keep it."),
    ]
    return [*_present(told), "Too many failures still roll it back, if its plan says so."]


def _retry_failed(deployment: Deployment, seen: Snapshot) -> list[str]:
    if deployment.stage in GOING_BACK:
        again = "gets back what it ran before, once more.", "get back what they ran before, again."
        return [counted(seen.unrestored, *again)]
    overtaken = queries.overtaken(deployment)
    again = "that failed gets it again.", "that failed get it again, batch by batch as before."
    told = [
        counted(seen.count(State.FAILED) - overtaken, *again),
        counted(overtaken, *AFTER_ROLLBACK[Fate.SUPERSEDED]),
        counted(seen.count(State.QUEUED), *_follow(seen)),
        _keeps(seen, "has installed it and keeps it.", "have installed it and keep it."),
    ]
    return _present(told)


def _resume(deployment: Deployment, seen: Snapshot) -> list[str]:
    accepted = sum(batch.failed for batch in seen.batches if unhealthy(batch, seen.policy))
    told = [
        "It goes on despite the failures." if deployment.stage == Stage.HELD else "",
        counted(
            accepted if deployment.stage == Stage.HELD else 0,
            "that failed is accepted: only more failures hold its batch again.",
            "that failed are accepted: only more failures hold their batches again.",
        ),
        counted(seen.count(State.QUEUED), *_still_to_get_it(seen)),
        _keeps(seen, "has installed it and keeps it.", "have installed it and keep it."),
    ]
    delayed = any(rule.delay_seconds for rule in seen.policy.gates.values())
    again = "A delay between two batches that had begun starts anew." if delayed else ""
    return [*_present([*told, again]), "Too many failures still roll it back, if its plan says so."]


def _follow(seen: Snapshot) -> tuple[str, str]:
    """What those wait for that have not got it, said of one and of several."""
    if openers := _openers(seen):
        return f"follows after {openers}.", f"follow after {openers}."
    return "follows when those before it are well.", "follow when those before them are well."


def _still_to_get_it(seen: Snapshot) -> tuple[str, str]:
    openers = _openers(seen)
    when = f"after {openers}" if openers else "batch by batch as planned"
    return f"is still to get it, {when}.", f"are still to get it, {when}."


def _openers(seen: Snapshot) -> str:
    """The buttons that somebody has to press before the last of them gets it, in their order."""
    last = max((batch.number for batch in seen.batches if batch.queued), default=0)
    closed = (one for one in seen.batches if one.number < last and not one.gate_open and one.gate)
    by_hand = (one.gate for one in closed if not seen.policy.gate(one.gate).automatic)
    return " and ".join(dict.fromkeys(opener(gate) for gate in by_hand))


def _give_up(_deployment: Deployment, seen: Snapshot) -> list[str]:
    left = "counts as not put back.", "count as not put back."
    return [
        counted(seen.count(State.REMOVING), *left),
        "What they ran before stays what they shall run: they still get it when they ask.",
    ]


def _deny(_deployment: Deployment, seen: Snapshot) -> list[str]:
    return _never(seen)


def _approve(deployment: Deployment, seen: Snapshot) -> list[str]:
    version = deployment.version
    return [
        f"{version.application.name} {version.version} may be rolled out to {_fitting(seen)}.",
        _start_words(deployment),
        "Approved is exactly the plan on its page; who edits it has to ask again.",
    ]


def _delete(deployment: Deployment, seen: Snapshot) -> list[str]:
    untouched = "No device is touched: it was never started."
    if not deployment.moves_made:
        return ["The draft goes for good.", untouched]
    if deployment.stage == Stage.DRAFT:
        return ["It disappears from the lists; its history stays at its address.", untouched]
    keeps = _keeps(seen, "keeps the application.", "keep the application.")
    return [
        "It disappears from the lists; its history stays at its address.",
        keeps or "No device is touched.",
        "It cannot be rolled back afterwards.",
    ]


def _never(seen: Snapshot) -> list[str]:
    return [
        f"It will not be rolled out to {_fitting(seen)}; none of them was touched.",
        "It cannot be started any more.",
    ]


def _fitting(seen: Snapshot) -> str:
    """The devices that would get it; those that do not fit are skipped already."""
    return devices(seen.count(State.QUEUED))


def _start_words(deployment: Deployment) -> str:
    if deployment.start_at is None:
        return "No device gets it before somebody starts it."
    return "It starts by itself at the time that was set, unless that is over by then."


def _may_finish(seen: Snapshot, unsent: int) -> str:
    under_way = seen.count(*UNDER_WAY) - unsent
    return counted(
        under_way, "knows about it already and may finish.", "know about it already and may finish."
    )


def _keeps(seen: Snapshot, one: str, many: str) -> str:
    return counted(seen.count(State.INSTALLED), one, many)


def counted(number: int, one: str, many: str) -> str:
    """The sentence about so many devices; empty for none."""
    return f"{devices(number)} {one if number == 1 else many}" if number else ""


def _present(sentences: list[str]) -> list[str]:
    return [one for one in sentences if one]


_TELLING: dict[Action, Callable[[Deployment, Snapshot], list[str]]] = {
    Action.APPROVE: _approve,
    Action.DENY: _deny,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.RETRY_FAILED: _retry_failed,
    Action.GIVE_UP: _give_up,
    Action.ROLLBACK: _rollback,
    Action.CANCEL: _cancel,
    Action.DELETE: _delete,
}
#: Actions that say first what they will do.
TOLD_FIRST = frozenset(_TELLING)
