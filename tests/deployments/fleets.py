"""Fleets in any state, made from a seed: what the planner's properties are tried on."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import strategies as st

from deployments.planner import BatchView, GateRule, Offline, Policy, Snapshot, amount
from deployments.states import ACTIVE, IN_FLIGHT, UNDER_WAY, Gate, Stage, State
from tests.deployments.seen import NOON, after

#: Limits in seconds; small ones, so that clocks and limits meet often.
INSTALL, COME, SOON = 40, 60, 20
STAGES_UNDER_WAY = sorted(ACTIVE)


@dataclass(frozen=True)
class Part:
    """One device's part: what the table of instances has of it."""

    state: State
    released_at: datetime = NOON
    fetched_at: datetime | None = None
    tries_left: bool = False
    unrestored: bool = False
    silent: bool = False

    @property
    def moving(self) -> bool:
        return self.state in IN_FLIGHT | {State.REMOVING}

    def came_by(self, now: datetime, seconds: int) -> bool:
        return self.fetched_at is not None or self.released_at + timedelta(seconds=seconds) > now


@dataclass(frozen=True)
class Fleet:
    """A deployment as rows, of which a snapshot can be taken at any time."""

    seen: Snapshot
    parts: tuple[tuple[Part, ...], ...]

    def at(self, now: datetime) -> Snapshot:
        """As the engine counts it: only the limits that ran out depend on the clock."""
        batches = zip(self.seen.batches, self.parts, strict=True)
        everyone = [part for parts in self.parts for part in parts]
        unfetched = [part for part in everyone if part.fetched_at is None]
        watched = self.seen.policy.offline is not Offline.WAIT
        coming = [one.released_at for one in unfetched if one.moving or one.state == "deferred"]
        absent = [one.released_at for one in unfetched if one.state in IN_FLIGHT]
        fetched = [one.fetched_at for one in everyone if one.moving and one.fetched_at]
        return replace(
            self.seen,
            batches=tuple(self._counted(batch, parts, now) for batch, parts in batches),
            first_fetch=min(fetched, default=None),
            first_unreached_release=min(coming, default=None),
            first_absent_release=min(absent, default=None) if watched else None,
            first_silence=min((one.fetched_at for one in everyone if one.silent), default=None),
        )

    def _counted(self, batch: BatchView, parts: tuple[Part, ...], now: datetime) -> BatchView:
        watched = self.seen.policy.offline is not Offline.WAIT
        limit = timedelta(seconds=INSTALL)
        return replace(
            batch,
            counts=Counter(part.state for part in parts),
            retryable=sum(part.tries_left for part in parts),
            unrestored=sum(part.unrestored for part in parts),
            late_installing=sum(
                part.moving and part.fetched_at is not None and part.fetched_at + limit <= now
                for part in parts
            ),
            unheard=sum(part.silent and part.fetched_at + limit <= now for part in parts),
            late_unreached=sum(
                (part.moving or part.state == "deferred") and not part.came_by(now, COME)
                for part in parts
            ),
            late_absent=sum(
                watched and part.state in IN_FLIGHT and not part.came_by(now, SOON)
                for part in parts
            ),
        )


#: A fleet is made from a seed: shrinking whole fleets would take longer than reading one.
SEEDS = st.integers(0, 2**32 - 1)


def a_fleet(seed, stages=STAGES_UNDER_WAY, such_that=lambda fleet: True):
    """A fleet at noon in one of these stages, in any state that fits it."""
    chance = Random(seed)
    for _ in range(10_000):
        fleet = _fleet(chance, stages)
        if such_that(fleet):
            return fleet
    raise AssertionError("No fleet is like that.")


def _fleet(chance, stages):
    stage = chance.choice(stages)
    number = chance.randint(2 if stage is Stage.GATE else 1, 4)
    everyone = _everyone(chance, number, stage)
    at_gate = stage is Stage.GATE
    seen = Snapshot(
        stage,
        _policy(chance),
        tuple(_batch(chance, index, everyone) for index in range(number)),
        start_at=chance.choice([None, _time(chance)]) if stage is Stage.READY else None,
        gate_batch=chance.randint(1, number - 1) if at_gate else None,
        gate_since=_time(chance) if at_gate else None,
    )
    return Fleet(seen, everyone)


def _time(chance):
    """Mostly within all limits."""
    return after(-chance.randint(0, 15 if chance.random() < 0.7 else 70))


def _everyone(chance, number, stage):
    """Half of the fleets as a rollout leaves them: what is over first, then what is queued."""
    if chance.random() < 0.5:
        possible = _possible(chance, stage)
        return tuple(_parts(chance, stage, possible) for _ in range(number))
    current = chance.randint(0, number - 1)
    over = {State.INSTALLED, chance.choice([State.FAILED, State.SKIPPED, State.DEFERRED])}
    kinds = (
        [over] * current + [_possible(chance, stage)] + [{State.QUEUED}] * (number - current - 1)
    )
    return tuple(_parts(chance, stage, kind) for kind in kinds)


def _possible(chance, stage):
    """What a rollback has been through is as likely as what it has not."""
    going_back = {State.REMOVING, State.REMOVED}
    if stage is not Stage.ROLLING_BACK:
        return set(State) - going_back
    return set(State) if chance.random() < 0.5 else going_back | {State.CANCELLED}


def _parts(chance, stage, possible):
    """Of a few states, so that batches that are over, or queued, are no rarity."""
    some = chance.sample(sorted(possible), min(len(possible), chance.randint(1, 3)))
    return tuple(_part(chance, chance.choice(some), stage) for _ in range(chance.randint(0, 4)))


def _part(chance, state, stage):
    came = state is State.INSTALLING or (state is not State.DEFERRED and chance.random() < 0.5)
    failed, undoing = state is State.FAILED, stage is Stage.ROLLING_BACK
    return Part(
        state,
        released_at=_time(chance),
        fetched_at=_time(chance) if came else None,
        tries_left=failed and not undoing and chance.random() < 0.3,
        unrestored=failed and undoing and chance.random() < 0.7,
        silent=came and state is State.REMOVING and chance.random() < 0.8,
    )


def _policy(chance):
    rules = {gate: GateRule(chance.random() < 0.5, chance.choice([0, 30])) for gate in Gate}
    return Policy(
        max_failures=amount(chance.choice(["0", "1", "50 %", "99.99 %"])),
        install_timeout_seconds=INSTALL,
        offline=chance.choice(list(Offline)),
        offline_wait_seconds=COME,
        offline_after_seconds=SOON,
        gates=rules,
        rollback_percent=chance.choice([None, None, Decimal(0), Decimal("33.33")]),
        rollback_count=chance.choice([None, None, 0, 2]),
        rollback_min_released=chance.choice([1, 3]),
    )


def _batch(chance, index, everyone):
    own = everyone[index]
    open_ones = UNDER_WAY - {State.DEFERRED} | {State.QUEUED, State.REMOVING}
    over = not any(part.state in open_ones or part.tries_left for part in own)
    return BatchView(
        number=index + 1,
        name=f"Batch {index + 1}",
        size=len(own),
        released=any(part.state is not State.QUEUED for part in own),
        ended=over and chance.random() < 0.8,
        counts={},
        gate=None if index + 1 == len(everyone) else chance.choice(list(Gate)),
        gate_open=chance.random() < 0.5,
        accepted=chance.choice([0, 0, 2]),
    )
