"""Looks over the engine's shoulder: what it counted, and what it did, judged by other code."""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from deployments import engine
from deployments.models import Batch, Deployment, Instance, Revision, StatusReport
from devices.models import Client, Device
from tests.simulation.rows import moment
from tests.simulation.rules import broken

_PARTS = f"""
    SELECT i.id, b.number, i.state, i.failure, i.attempts, i.released_at, i.fetched_at, i.progress,
        c.state = 'accepted' AND d.removed_at IS NULL,
        r.removal AND COALESCE((
            SELECT s.state FROM {StatusReport._meta.db_table} s
            WHERE s.workload_id = i.workload_id ORDER BY s.id DESC LIMIT 1), 'removed') = 'removed'
    FROM {Instance._meta.db_table} i JOIN {Batch._meta.db_table} b ON b.id = i.batch_id
    JOIN {Device._meta.db_table} d ON d.id = i.device_id
    JOIN {Client._meta.db_table} c ON c.id = d.client_id
    LEFT JOIN {Revision._meta.db_table} r ON r.id = i.revision_id
    WHERE i.deployment_id = %s ORDER BY i.position"""
_SLICES = f"""
    SELECT number, size, accepted_failures, gate, gate_opened_at, ended_at
    FROM {Batch._meta.db_table} WHERE deployment_id = %s ORDER BY number"""
RELEASED = {"pending", "installing", "deferred", "installed", "failed"}
IN_FLIGHT = {"pending", "installing"}
KINDS = ("failed", "rejected", "timed_out", "unreachable", "drifted")
#: Without one of these there is nothing that such a stage waits for.
WAITS_FOR = {
    "rolling": {"pending", "installing", "deferred"},
    "cancelling": {"pending", "installing", "deferred"},
    "rolling_back": {"removing"},
}


class Part(NamedTuple):
    """What the judge needs of an instance."""

    pk: int
    batch: int
    state: str
    failure: str
    attempts: int
    released_at: datetime | None
    fetched_at: datetime | None
    progress: int
    here: bool
    silent: bool

    @property
    def was_released(self) -> bool:
        """Whether failures are weighed against it: it is out, or waits once more."""
        again = self.state == "queued" and self.released_at is not None
        return again or self.state in RELEASED

    @property
    def runs_it(self) -> bool:
        """Whether the device really has it, from this deployment or from before."""
        return self.state == "installed" or (self.state == "skipped" and self.progress == 100)


class Slice(NamedTuple):
    """What the judge needs of a batch."""

    number: int
    size: int
    accepted: int
    gate: str
    opened_at: datetime | None
    ended_at: datetime | None


@dataclass
class Sight:
    """A deployment at the moment the engine counted it."""

    pk: int
    stage: str
    strategy: dict
    gate_batch: int | None
    gate_since: datetime | None
    parts: list[Part]
    slices: dict[int, Slice]
    claim: datetime | None

    def to_be_tried_again(self, part: Part) -> bool:
        """Whether it failed in a way that is tried again, and has tries left."""
        if part.state != "failed" or part.failure not in KINDS or not part.here:
            return False
        return part.attempts <= self.strategy[f"retry_{part.failure}"]

    @property
    def counts(self) -> dict[str, int]:
        """How many are in which state."""
        return dict(Counter(one.state for one in self.parts))

    @property
    def failed(self) -> list[Part]:
        """Those that have failed for good."""
        return [
            one for one in self.parts if one.state == "failed" and not self.to_be_tried_again(one)
        ]

    def breach(self) -> bool:
        """Whether a threshold of the automatic rollback is exceeded."""
        failed, released = len(self.failed), sum(one.was_released for one in self.parts)
        count, percent = self.strategy["rollback_count"], self.strategy["rollback_percent"]
        if not failed or released < self.strategy["rollback_min_released"]:
            return False
        if count is not None and failed > count:
            return True
        return percent is not None and Decimal(failed) / released * 100 > Decimal(percent)

    def unhealthy(self) -> list[int]:
        """The batches in which more failed than may and than somebody accepted."""
        bad = Counter(one.batch for one in self.failed)
        return [
            number
            for number, count in bad.items()
            if count > max(self.allowed(number), self.slices[number].accepted)
        ]

    def allowed(self, number: int) -> int:
        """How many of a batch may fail."""
        said = str(self.strategy["max_failures"])
        if "%" not in said:
            return int(said)
        return self.slices[number].size * int(said[:-1]) // 100

    def passable(self, number: int, now: datetime, since: datetime | None) -> bool:
        """Whether the gate behind a batch opens by itself by now."""
        gate = self.slices[number].gate
        delay = self.strategy["canary_soak_seconds" if gate == "canary" else "batch_delay_seconds"]
        runs = any(one.batch == number and one.runs_it for one in self.parts)
        if self.strategy[f"{gate}_gate"] != "automatic" or not runs:
            return False
        return not delay or (since is not None and now >= since + timedelta(seconds=delay))

    def limits(self) -> list[datetime]:
        """When the time of each device runs out, by the policy."""
        return [limit for one in self.parts for limit in self._limits(one)]

    @property
    def patience(self) -> timedelta:
        """How long a removal waits for the first word of a device that never spoke of it."""
        return timedelta(seconds=min(60, self.strategy["install_timeout_seconds"]))

    def _limits(self, one: Part) -> Iterator[datetime]:
        def after(since: datetime, name: str) -> datetime:
            return since + timedelta(seconds=self.strategy[name])

        if one.fetched_at is not None:
            if one.state in IN_FLIGHT | {"removing"}:
                yield after(one.fetched_at, "install_timeout_seconds")
            if one.silent and one.state == "removing":
                yield one.fetched_at + self.patience
            return
        if one.state in IN_FLIGHT | {"removing", "deferred"} and one.released_at:
            yield after(one.released_at, "offline_wait_seconds")
        watched = self.strategy["offline"] != "wait" and self.stage != "rolling_back"
        if watched and one.state in IN_FLIGHT and one.released_at:
            yield after(one.released_at, "offline_after_seconds")


@dataclass
class Watch:
    """What the engine saw and did while it was watched."""

    world: object
    sights: dict[int, Sight] = field(default_factory=dict)
    deferred: set[int] = field(default_factory=set)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Between the engine and its own parts, for as long as a world lives."""
        count, do, turn = engine.snapshot, engine.carry_out, engine.TURN_SECONDS

        def snapshot(deployment, policy, now):
            with self.world.unseen():
                self.sights[deployment.pk] = look(deployment)
            return count(deployment, policy, now)

        def carry_out(deployment, step, policy, now):
            with self.world.unseen():
                self._judge(deployment, step, now)
            do(deployment, step, policy, now)

        engine.snapshot, engine.carry_out = snapshot, carry_out
        # A look lasts by the real clock, and a world must not depend on a slow machine.
        engine.TURN_SECONDS = math.inf
        try:
            yield
        finally:
            engine.snapshot, engine.carry_out, engine.TURN_SECONDS = count, do, turn

    def _judge(self, deployment: Deployment, step, now: datetime) -> None:
        """What the engine is about to do, against what it could see."""
        sight = self.sights[deployment.pk]
        if sight.claim != deployment.claimed_until:
            # Somebody else has looked since, and will do it: this one is turned away.
            return
        judge = _JUDGES.get(type(step).__name__)
        if judge is not None:
            judge(self, sight, step, now)

    def _roll_back(self, sight: Sight, step, now: datetime) -> None:
        if not sight.breach():
            broken("4: it rolls back and nothing is exceeded", sight)

    def _hold(self, sight: Sight, step, now: datetime) -> None:
        if step.batch not in sight.unhealthy() or "queued" not in sight.counts:
            broken("3: it holds and no batch is unhealthy", sight)

    def _retry(self, sight: Sight, step, now: datetime) -> None:
        if not any(sight.to_be_tried_again(one) for one in sight.parts if one.batch == step.batch):
            broken("41: it tries again what has no tries left", sight)

    def _defer(self, sight: Sight, step, now: datetime) -> None:
        waiting = Instance.objects.filter(
            deployment=sight.pk, batch__number=step.batch, fetched_at=None
        )
        self.deferred |= set(waiting.values_list("pk", flat=True))

    def _nothing_to_remove(self, sight: Sight, step, now: datetime) -> None:
        theirs = [one for one in sight.parts if one.batch == step.batch and one.state == "removing"]
        if not any(
            one.silent and one.fetched_at and one.fetched_at + sight.patience <= now
            for one in theirs
        ):
            broken("it lets go of a removal and nobody was silent for long", sight)

    def _open_gate(self, sight: Sight, step, now: datetime) -> None:
        if not sight.passable(step.batch, now, moment(sight.gate_since)):
            broken("3: a gate opens by itself that may not, or not yet", sight)

    def _release(self, sight: Sight, step, now: datetime) -> None:
        """Nothing of a later batch while an earlier one moves, is unhealthy or is closed."""
        for one in sight.parts:
            moving = one.state in IN_FLIGHT | {"queued"}
            again = one.attempts > 1 or one.pk in self.deferred
            if one.batch < step.batch and moving and not again:
                broken(f"2: batch {step.batch} before batch {one.batch} has ended", sight)
        for number, before in sight.slices.items():
            if number < step.batch and not before.ended_at:
                broken(f"2: batch {step.batch} before batch {number} has ended", sight)
            just_before = number == step.batch - 1 and not before.opened_at
            if just_before and not sight.passable(number, now, None):
                broken(f"2: batch {step.batch} and the gate before it is closed", sight)
        if sight.unhealthy():
            broken("3: it goes on and a batch is unhealthy", sight)
        if sight.breach():
            broken("4: it goes on and a threshold is exceeded", sight)


_JUDGES = {
    "RollBack": Watch._roll_back,
    "Hold": Watch._hold,
    "Retry": Watch._retry,
    "Defer": Watch._defer,
    "NothingToRemove": Watch._nothing_to_remove,
    "OpenGate": Watch._open_gate,
    "Release": Watch._release,
}


def look(deployment: Deployment) -> Sight:
    """Counts for itself."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [deployment.pk])
        rows = [Part._make(row) for row in cursor.fetchall()]
        cursor.execute(_SLICES, [deployment.pk])
        slices = {row[0]: Slice._make(row) for row in cursor.fetchall()}
    parts = [
        row._replace(released_at=moment(row.released_at), fetched_at=moment(row.fetched_at))
        for row in rows
    ]
    return Sight(
        pk=deployment.pk,
        stage=deployment.stage,
        strategy=deployment.strategy,
        gate_batch=deployment.gate_batch,
        gate_since=deployment.gate_since,
        parts=parts,
        slices=slices,
        claim=deployment.claimed_until,
    )
