"""Batches, positions, holders, stages and their history."""

import json
from collections import Counter
from collections.abc import Iterator

from deployments.states import ACTIVE, ENGINE_MOVES, FINISHED, VERBS, Stage
from tests.simulation.rows import moment
from tests.simulation.rules import rule

UNDER_WAY = {"queued", "pending", "installing", "deferred", "removing"}


@rule("1: batches partition the frozen targets")
def partition(was, now, world) -> Iterator[str]:
    """Each device in exactly one batch, positions without a gap, sizes that add up."""
    for pk, deployment in now.deployments.items():
        parts, batches = now.instances_of(pk), now.batches_of(pk)
        if deployment.stage == Stage.DRAFT:
            if parts or batches:
                yield f"draft {pk} has a frozen plan"
            continue
        if [one.position for one in parts] != list(range(1, len(parts) + 1)):
            yield f"{pk}: positions {[one.position for one in parts]}"
        first = 1
        for batch in batches:
            theirs = [one.position for one in parts if one.batch_id == batch.pk]
            if batch.first != first or theirs != list(range(first, first + batch.size)):
                yield f"{pk}: batch {batch.number} has {theirs}, not {batch.first}+{batch.size}"
            first += batch.size
        if first - 1 != len(parts):
            yield f"{pk}: {first - 1} places for {len(parts)} devices"


@rule("11: the devices of a deployment stay the same once it is frozen")
def targets(was, now, world) -> Iterator[str]:
    """Whatever happens, nobody joins or leaves."""
    for pk, deployment in now.deployments.items():
        before = was.deployments.get(pk)
        if before is None or Stage.DRAFT in {before.stage, deployment.stage}:
            continue
        if before.edits != deployment.edits:
            continue
        devices = [one.device_id for one in now.instances_of(pk)]
        if devices != [one.device_id for one in was.instances_of(pk)]:
            yield f"{pk} is for other devices now"


@rule("7: only a running deployment holds, and one at a time")
def holders(was, now, world) -> Iterator[str]:
    """From the start to the end."""
    seen = set()
    for one in now.instances.values():
        if not one.holds:
            continue
        stage = now.deployments[one.deployment_id].stage
        if stage not in ACTIVE:
            yield f"instance {one.pk} holds its workload while its deployment is {stage}"
        key = (one.device_id, one.application_id)
        if key in seen:
            yield f"device {one.device_id} is held twice"
        seen.add(key)


@rule("stages move along the table, with one event each")
def moves(was, now, world) -> Iterator[str]:
    """From, to, who and a sentence."""
    fresh = [event for pk, event in now.events.items() if pk not in was.events]
    for pk, deployment in now.deployments.items():
        before = was.deployments.get(pk)
        stage = before.stage if before else Stage.DRAFT.value
        for event in fresh:
            if event.deployment_id != pk or not event.to_stage:
                continue
            if event.from_stage != stage:
                yield f"{pk} was {stage} when it went from {event.from_stage}"
            if not event.sentence.strip():
                yield f"{pk}: a move without a sentence"
            if not _in_table(event):
                yield f"{pk}: {event.from_stage} → {event.to_stage} by {event.actor_id}"
            stage = event.to_stage
        if stage != deployment.stage:
            yield f"{pk} is {deployment.stage}, and its history says {stage}"


def _in_table(event) -> bool:
    was, to = Stage(event.from_stage), Stage(event.to_stage)
    if event.actor_id is None:
        return to in ENGINE_MOVES.get(was, frozenset())
    return any(verb.moves.get(was) is to for verb in VERBS.values())


@rule("what has ended has nothing under way")
def ended(was, now, world) -> Iterator[str]:
    """Completed, cancelled and rolled back are ends."""
    for one in now.instances.values():
        stage = now.deployments[one.deployment_id].stage
        if stage in FINISHED and one.state in UNDER_WAY:
            yield f"{one.deployment_id} is {stage} and instance {one.pk} is {one.state}"


@rule("what lists show of what has ended is what there is")
def summaries(was, now, world) -> Iterator[str]:
    """Nobody looks at it again, so it has to be right at once, whoever dies."""
    for pk, deployment in now.deployments.items():
        if deployment.stage not in FINISHED:
            continue
        counts = Counter(one.state for one in now.instances_of(pk))
        if json.loads(deployment.summary) != {"total": counts.total(), "counts": counts}:
            yield f"{pk} shows {deployment.summary} and has {dict(counts)}"


@rule("the status tells how it ended")
def statuses(was, now, world) -> Iterator[str]:
    """Installed, removed or failed, by the numbers."""
    for pk, deployment in now.deployments.items():
        if deployment.stage not in FINISHED:
            if deployment.ended_at is not None:
                yield f"{pk} is {deployment.stage} and has ended"
            continue
        parts = now.instances_of(pk)
        states = [one.state for one in parts]
        meant = _STATUSES[deployment.stage](deployment, now, parts, states)
        if deployment.status != meant:
            yield f"{pk} is {deployment.stage} with {states}, and {deployment.status}"


def _completed(deployment, now, parts, states) -> str:
    said = str(deployment.strategy["max_failures"])
    for batch in now.batches_of(deployment.pk):
        bad = sum(one.state == "failed" for one in parts if one.batch_id == batch.pk)
        most = int(said) if "%" not in said else batch.size * int(said[:-1]) // 100
        if batch.ended_at is None:
            return "not ended"
        if bad > most:
            return "failed"
    return "installed"


def _rolled_back(deployment, now, parts, states) -> str:
    unrestored = [one for one in parts if one.failure == "rollback_failed"]
    return "failed" if any(one.state == "failed" for one in unrestored) else "removed"


def _cancelled(deployment, now, parts, states) -> str:
    return "installed" if "installed" in states else "removed"


_STATUSES = {"completed": _completed, "rolled_back": _rolled_back, "cancelled": _cancelled}


@rule("held only while devices are unreleased")
def held(was, now, world) -> Iterator[str]:
    """When the last batch has ended there is nothing to hold."""
    for pk, deployment in now.deployments.items():
        queued = any(one.state == "queued" for one in now.instances_of(pk))
        if deployment.stage == Stage.HELD and not queued:
            yield f"{pk} is held and nothing is queued"


@rule("a gate is known exactly while it is waited at")
def gates(was, now, world) -> Iterator[str]:
    """Which gate, of which batch, since when."""
    for pk, deployment in now.deployments.items():
        at = deployment.stage == Stage.GATE
        known = (bool(deployment.gate), bool(deployment.gate_batch), bool(deployment.gate_since))
        if set(known) != {at}:
            yield f"{pk} is {deployment.stage}, and of its gate {known} is known"


@rule("38: the automatic rollback fires once")
def once(was, now, world) -> Iterator[str]:
    """Later failures change nothing."""
    fired: dict[int, int] = {}
    for event in now.events.values():
        if event.actor_id is None and event.to_stage == Stage.ROLLING_BACK:
            fired[event.deployment_id] = fired.get(event.deployment_id, 0) + 1
    for pk, number in fired.items():
        if number > 1:
            yield f"{pk} was rolled back {number} times by the engine"


@rule("22: a claim runs out")
def claims(was, now, world) -> Iterator[str]:
    """Of a worker that died too."""
    for pk, deployment in now.deployments.items():
        until = moment(deployment.claimed_until)
        if until is not None and (until - world.now).total_seconds() > 30:
            yield f"{pk} is claimed until {until}"
        if deployment.held_until is not None:
            yield f"{pk} stumbled"
