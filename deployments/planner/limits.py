"""Which limit or delay runs out when, if no report comes before."""

from datetime import datetime, timedelta
from typing import NamedTuple

from deployments.planner.snapshot import Offline, Snapshot
from deployments.states import Stage


class Limit(NamedTuple):
    """A moment at which the engine does something by itself, and what ends then."""

    at: datetime
    words: str


def next_look(snapshot: Snapshot) -> datetime | None:
    """When a limit or a delay runs out next, if no report comes before; None without any."""
    if snapshot.stage is Stage.READY:
        return snapshot.start_at
    limit = next_limit(snapshot)
    return limit.at if limit else None


def next_limit(snapshot: Snapshot) -> Limit | None:
    """The first limit to run out; `words` follow "In 5 minutes"."""
    policy = snapshot.policy
    limits = [
        (snapshot.first_silence, policy.silence_seconds, _SILENCE),
        (snapshot.first_absent_release, policy.offline_after_seconds, _ABSENT[policy.offline]),
        (snapshot.first_fetch, policy.install_timeout_seconds, _install(snapshot)),
        (snapshot.first_unreached_release, policy.offline_wait_seconds, _UNREACHED),
    ]
    times = [
        Limit(since + timedelta(seconds=after), what) for since, after, what in limits if since
    ]
    if opens := opens_at(snapshot):
        times.append(Limit(opens, "the next batch follows"))
    return min(times, key=lambda limit: limit.at, default=None)


def opens_by_itself(snapshot: Snapshot) -> bool:
    """Whether the gate at which it waits needs nobody but the clock."""
    batch = snapshot.at_gate
    if snapshot.stage is not Stage.GATE or batch is None:
        return False
    rule = snapshot.policy.gate(batch.gate)
    return rule.automatic and batch.running > 0 and batch.ended


def opens_at(snapshot: Snapshot) -> datetime | None:
    """When the gate at which it waits opens by itself; None where somebody must open it."""
    if snapshot.gate_since is None or not opens_by_itself(snapshot):
        return None
    return snapshot.gate_since + timedelta(seconds=delay(snapshot))


def delay(snapshot: Snapshot) -> int:
    """Seconds after which the gate at which it waits opens by itself."""
    batch = snapshot.at_gate
    return snapshot.policy.gate(batch.gate).delay_seconds if batch else 0


def _install(snapshot: Snapshot) -> str:
    if snapshot.stage is Stage.ROLLING_BACK:
        return "the time to go back runs out for the first of them"
    return "the time to install runs out for the first of them"


_SILENCE = "a device that has said nothing of it counts as put back"
_UNREACHED = "a device that has not come for it counts as unreachable"
_ABSENT = {
    Offline.WAIT: _UNREACHED,
    Offline.MOVE_ON: "the rollout goes on without a device that has not come for it",
    Offline.FAIL: _UNREACHED,
}
