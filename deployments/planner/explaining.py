"""What a deployment is waiting for, in the planner's own numbers."""

from datetime import datetime, timedelta

from deployments.planner.limits import next_limit
from deployments.planner.snapshot import BatchView, Snapshot
from deployments.states import VERBS, Gate, Stage, State
from deployments.words import devices, duration


def waiting_for(snapshot: Snapshot, now: datetime) -> list[str]:
    """What has to happen before the engine does something more, a sentence each."""
    if snapshot.stage is Stage.READY and snapshot.start_at:
        return [f"It starts by itself in {_left(snapshot.start_at, now)}."]
    sentences = [*_people(snapshot, now), *_flight(snapshot)]
    limit = next_limit(snapshot)
    if limit is not None and snapshot.stage is not Stage.GATE:
        sentences.append(f"In {_left(limit.at, now)} {limit.words}.")
    return sentences


def _people(snapshot: Snapshot, now: datetime) -> list[str]:
    batch = snapshot.at_gate
    if snapshot.stage is Stage.GATE and batch is not None:
        return _gate(snapshot, batch, now)
    return [WAITS[snapshot.stage]] if snapshot.stage in WAITS else []


#: Stages that wait for a person, whatever the devices do.
WAITS: dict[Stage, str] = {
    Stage.DRAFT: "Somebody has to finish the draft.",
    Stage.AWAITING_APPROVAL: "An admin who had no part in it can approve it.",
    Stage.READY: "Somebody has to start it.",
    Stage.HELD: "Too many devices failed: nothing more is sent before somebody decides.",
    Stage.PAUSED: "Somebody paused it and has to resume it.",
}


def _gate(snapshot: Snapshot, batch: BatchView, now: datetime) -> list[str]:
    """How the batch is, and who or what sends it to how many devices then."""
    who = "The canary" if batch.gate is Gate.CANARY else batch.name
    if not batch.ended or snapshot.gate_since is None:
        return [f"{who} is being tried again on some devices."]
    rule, button = snapshot.policy.gate(batch.gate), opener(batch.gate)
    follows, later = _following(snapshot, batch)
    if batch.running and rule.automatic:
        left = _left(snapshot.gate_since + timedelta(seconds=rule.delay_seconds), now)
        sent = f"In {left} it goes to {follows}, or at once with {button}"
    else:
        sent = f"{button} sends it to {follows}"
    return [f"{who} {_how(snapshot, batch)}.", f"{sent}{later}."]


def opener(gate: Gate | None) -> str:
    """What a person presses to open such a gate."""
    return next(verb.words for verb in VERBS.values() if verb.gate is gate)


def _how(snapshot: Snapshot, batch: BatchView) -> str:
    """Whether the batch is well, with the numbers; failures are there only as far as they may."""
    rest = [f"{batch.count(state)} {words}" for state, words in _REST.items() if batch.count(state)]
    ended = [f"{batch.installed} of {batch.size} installed", *_failures(snapshot, batch), *rest]
    if not batch.running:
        return f"has ended, and no device runs it: {', '.join(ended)}"
    well = batch.failed <= snapshot.policy.max_failures.of(batch.size)
    return f"{'is well' if well else 'has ended'}: {', '.join(ended)}"


def _failures(snapshot: Snapshot, batch: BatchView) -> list[str]:
    if not batch.failed:
        return []
    allowed = snapshot.policy.max_failures.of(batch.size)
    limit = f"{batch.accepted} accepted" if batch.accepted > allowed else f"{allowed} allowed"
    return [f"{batch.failed} failed", limit]


#: What else may have become of devices of a batch that has ended.
_REST = {
    State.DEFERRED: "left for later",
    State.SUPERSEDED: "superseded",
    State.SKIPPED: "skipped",
    State.CANCELLED: "cancelled",
}


def _following(snapshot: Snapshot, batch: BatchView) -> tuple[str, str]:
    """The devices that get it next, and how many come after them."""
    later = [one for one in snapshot.batches if one.number > batch.number and one.queued]
    left = sum(one.queued for one in later)
    if len(later) < 2:
        return _others(left), ""
    number = left - later[0].queued
    after = f"; {devices(number)} {'follows' if number == 1 else 'follow'} after that"
    return f"{later[0].name}, {devices(later[0].queued)}", after


def _others(number: int) -> str:
    return "the other device" if number == 1 else f"the other {devices(number)}"


def _flight(snapshot: Snapshot) -> list[str]:
    moving = sum(batch.in_flight for batch in snapshot.batches)
    parts = [
        (moving, "fetching or installing it"),
        (snapshot.count(State.DEFERRED), "offline, and left for later"),
        (snapshot.count(State.REMOVING), "going back to what ran before"),
    ]
    return [f"{devices(number).capitalize()}: {words}." for number, words in parts if number]


def _left(at: datetime, now: datetime) -> str:
    return duration(max(1, round((at - now).total_seconds())))
