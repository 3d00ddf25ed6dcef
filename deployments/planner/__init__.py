"""What the engine does next and why, and how a rollout is cut into batches. Pure: no Django."""

from deployments.planner.explaining import opener, waiting_for
from deployments.planner.health import breach, unhealthy
from deployments.planner.limits import next_look, opens_at
from deployments.planner.partition import PartitionError, PlannedBatch, amount, partition, sizes
from deployments.planner.plan import outcome, plan, putting_back
from deployments.planner.snapshot import Amount, BatchView, GateRule, Offline, Policy, Snapshot
from deployments.planner.steps import (
    Begin,
    Defer,
    EndBatch,
    Finish,
    GiveUp,
    Hold,
    NothingToRemove,
    OpenGate,
    Release,
    Restore,
    Retry,
    RollBack,
    Step,
    WaitAtGate,
)

__all__ = [
    "Amount",
    "BatchView",
    "Begin",
    "Defer",
    "EndBatch",
    "Finish",
    "GateRule",
    "GiveUp",
    "Hold",
    "NothingToRemove",
    "Offline",
    "OpenGate",
    "PartitionError",
    "PlannedBatch",
    "Policy",
    "Release",
    "Restore",
    "Retry",
    "RollBack",
    "Snapshot",
    "Step",
    "WaitAtGate",
    "amount",
    "breach",
    "next_look",
    "opener",
    "opens_at",
    "outcome",
    "partition",
    "plan",
    "putting_back",
    "sizes",
    "unhealthy",
    "waiting_for",
]
