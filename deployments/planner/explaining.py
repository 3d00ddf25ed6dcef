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
        return [_gate(snapshot, batch, now)]
    return [WAITS[snapshot.stage]] if snapshot.stage in WAITS else []


#: Stages that wait for a person, whatever the devices do.
WAITS: dict[Stage, str] = {
    Stage.DRAFT: "Somebody has to finish the draft.",
    Stage.AWAITING_APPROVAL: "Somebody who is not its author has to approve it.",
    Stage.READY: "Somebody has to start it.",
    Stage.HELD: "Too many devices failed: somebody has to resume it, retry them or roll it back.",
    Stage.PAUSED: "Somebody paused it and has to resume it.",
}


def _gate(snapshot: Snapshot, batch: BatchView, now: datetime) -> str:
    rule = snapshot.policy.gate(batch.gate)
    if not batch.ended or snapshot.gate_since is None:
        return f"{batch.name} is being tried again on some devices."
    who, button = f"{batch.name} has ended", _button(batch.gate)
    if not rule.automatic:
        return f"{who}: it waits for {button}."
    if not batch.running:
        return f"{who}, but no device runs it: it waits for {button}."
    opens = snapshot.gate_since + timedelta(seconds=rule.delay_seconds)
    return f"{who}: the next batch follows in {_left(opens, now)}, or with {button}."


def _button(gate: Gate | None) -> str:
    """What a person presses to open such a gate."""
    return next(verb.words for verb in VERBS.values() if verb.gate is gate)


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
