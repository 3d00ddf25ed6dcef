"""Looks over the engine's shoulder: what it counted, and what it did, judged by other code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from deployments import engine
from deployments.models import Batch, Deployment, Instance
from tests.simulation.rules import broken

_PARTS = f"""
    SELECT i.id, b.number, i.state, i.failure, i.attempts
    FROM {Instance._meta.db_table} i JOIN {Batch._meta.db_table} b ON b.id = i.batch_id
    WHERE i.deployment_id = %s ORDER BY i.position"""
_BATCHES = f"""
    SELECT number, size, accepted_failures FROM {Batch._meta.db_table} WHERE deployment_id = %s"""
RELEASED = {"pending", "installing", "deferred", "installed", "failed"}
KINDS = ("failed", "rejected", "timed_out", "unreachable", "drifted")


class Part(NamedTuple):
    """What the judge needs of an instance."""

    pk: int
    batch: int
    state: str
    failure: str
    attempts: int


@dataclass
class Sight:
    """A deployment at the moment the engine counted it."""

    pk: int
    stage: str
    strategy: dict
    parts: list[Part]
    sizes: dict[int, int]
    accepted: dict[int, int]

    def to_be_tried_again(self, part: Part) -> bool:
        """Whether it failed in a way that is tried again, and has tries left."""
        if part.state != "failed" or part.failure not in KINDS:
            return False
        return part.attempts <= self.strategy[f"retry_{part.failure}"]

    @property
    def failed(self) -> list[Part]:
        """Those that have failed for good."""
        return [
            one for one in self.parts if one.state == "failed" and not self.to_be_tried_again(one)
        ]

    def breach(self) -> bool:
        """Whether a threshold of the automatic rollback is exceeded."""
        failed, released = len(self.failed), sum(one.state in RELEASED for one in self.parts)
        count, percent = self.strategy["rollback_count"], self.strategy["rollback_percent"]
        if not failed or released < self.strategy["rollback_min_released"]:
            return False
        if count is not None and failed > count:
            return True
        return percent is not None and Decimal(failed) / released * 100 > Decimal(percent)

    def unhealthy(self) -> list[int]:
        """The batches in which more failed than may."""
        bad = {one.batch: 0 for one in self.parts}
        for one in self.failed:
            bad[one.batch] += 1
        return [
            number for number, count in bad.items() if count > self.allowed(number, self.accepted)
        ]

    def allowed(self, number: int, accepted: dict[int, int]) -> int:
        """How many of a batch may fail."""
        said = str(self.strategy["max_failures"])
        most = int(said) if "%" not in said else self.sizes[number] * int(said[:-1]) // 100
        return max(most, accepted.get(number, 0))


@dataclass
class Watch:
    """What the engine saw and did while it was watched."""

    world: object
    sights: dict[int, Sight] = field(default_factory=dict)
    done: list[tuple[int, str]] = field(default_factory=list)
    deferred: set[int] = field(default_factory=set)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Between the engine and its own parts, for as long as a world lives."""
        count, do = engine.snapshot, engine.carry_out

        def snapshot(deployment, policy, now):
            with self.world.unseen():
                self.sights[deployment.pk] = look(deployment)
            return count(deployment, policy, now)

        def carry_out(deployment, step, policy, now):
            with self.world.unseen():
                self._judge(deployment, step)
            do(deployment, step, policy, now)
            self.done.append((deployment.pk, type(step).__name__))

        engine.snapshot, engine.carry_out = snapshot, carry_out
        try:
            yield
        finally:
            engine.snapshot, engine.carry_out = count, do

    def _judge(self, deployment: Deployment, step) -> None:
        sight, kind = self.sights[deployment.pk], type(step).__name__
        if kind == "RollBack" and not sight.breach():
            broken("4: it rolls back and nothing is exceeded", sight)
        if kind == "Hold" and step.batch not in sight.unhealthy():
            broken("3: it holds and no batch is unhealthy", sight)
        if kind == "Defer":
            self.deferred |= set(
                Instance.objects.filter(
                    deployment=deployment, batch__number=step.batch, fetched_at=None
                ).values_list("pk", flat=True)
            )
        if kind == "Release":
            self._judge_release(sight, step)

    def _judge_release(self, sight: Sight, step) -> None:
        """Nothing of a later batch while an earlier one moves, or is unhealthy, or is closed."""
        for one in sight.parts:
            moving = one.state in {"queued", "pending", "installing"}
            again = one.attempts > 1 or one.pk in self.deferred
            if one.batch < step.batch and moving and not again:
                broken(f"2: batch {step.batch} before batch {one.batch} has ended", sight)
        if sight.unhealthy():
            broken("3: it goes on and a batch is unhealthy", sight)
        if sight.breach():
            broken("4: it goes on and a threshold is exceeded", sight)


def look(deployment: Deployment) -> Sight:
    """Counts for itself."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [deployment.pk])
        parts = [Part._make(row) for row in cursor.fetchall()]
        cursor.execute(_BATCHES, [deployment.pk])
        batches = cursor.fetchall()
    return Sight(
        pk=deployment.pk,
        stage=deployment.stage,
        strategy=deployment.strategy,
        parts=parts,
        sizes={number: size for number, size, _ in batches},
        accepted={number: accepted for number, _, accepted in batches},
    )
