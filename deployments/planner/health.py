"""Whether too much has failed: for a batch to go on, or for the whole deployment to stay."""

from decimal import Decimal

from deployments.planner.snapshot import BatchView, Policy, Snapshot
from deployments.words import devices


def unhealthy(batch: BatchView, policy: Policy) -> bool:
    """More devices of the batch failed than are allowed or were accepted."""
    return batch.failed > batch.allowed(policy)


def verdict(batch: BatchView, policy: Policy) -> str:
    """The numbers of a batch: "Batch 2: 3 of 10 failed, 1 allowed"."""
    return f"{batch.name}: {batch.failed} of {batch.size} failed, {batch.allowed(policy)} allowed"


def breach(snapshot: Snapshot) -> str | None:
    """Why the whole deployment has to be rolled back; None while no threshold is exceeded.

    A threshold is exceeded by more than it says, and never before enough devices were released.
    """
    policy, failed, released = snapshot.policy, snapshot.failed, snapshot.released
    if not failed or released < policy.rollback_min_released:
        return None
    if policy.rollback_count is not None and failed > policy.rollback_count:
        return f"{devices(failed)} failed, {policy.rollback_count} allowed: rolling back."
    if policy.rollback_percent is not None and _over(failed, released, policy.rollback_percent):
        allowed = _percent(policy.rollback_percent)
        share = _above(Decimal(100) * failed / released, policy.rollback_percent)
        return (
            f"{failed} of {released} released devices failed ({share}), {allowed} allowed: "
            "rolling back."
        )
    return None


def _over(failed: int, released: int, percent: Decimal) -> bool:
    return 100 * failed > percent * released


def _percent(number: Decimal) -> str:
    """With as many decimals as it takes, two at most."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return f"{text} %"


def _above(share: Decimal, limit: Decimal) -> str:
    """The share as a percentage, never rounded down to the limit that it exceeds."""
    return _percent(share) if _percent(share) != _percent(limit) else f"over {_percent(limit)}"
