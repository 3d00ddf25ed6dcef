"""Snapshots in few words, for the planner's tests: no database, no engine."""

from datetime import UTC, datetime, timedelta

from deployments.planner import BatchView, GateRule, Policy, Snapshot, amount
from deployments.states import Gate, Stage, State

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
#: A gate that a person opens.
MANUAL = GateRule(automatic=False)


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def batch(number: int = 1, *, size: int | None = None, **told: object) -> BatchView:
    """A batch with so many instances in each state: `batch(2, queued=3)`.

    It was released unless all of it is queued; `late` are those over the limits for installing,
    for coming at all, and for coming soon.
    """
    counts = {State(name): int(str(told.pop(name))) for name in list(told) if name in _STATES}
    total = sum(counts.values())
    values: dict[str, object] = {
        "name": f"Batch {number}",
        "size": total if size is None else size,
        "released": counts.get(State.QUEUED, 0) < total,
        "ended": False,
        **told,
    }
    late = values.pop("late", (0, 0, 0))
    limits = dict(zip(("late_installing", "late_unreached", "late_absent"), late, strict=True))
    return BatchView(number=number, counts=counts, **values, **limits)


def ended(number: int = 1, **told: object) -> BatchView:
    """A batch with nothing left to wait for."""
    return batch(number, ended=True, **told)


def canary(**told: object) -> BatchView:
    """The first batch, behind which is the canary's gate."""
    return batch(1, name="Canary", gate=Gate.CANARY, **told)


def ended_canary(**told: object) -> BatchView:
    """The same with nothing left to wait for."""
    return canary(ended=True, **told)


def snap(*batches: BatchView, stage: Stage = Stage.ROLLING, **told: object) -> Snapshot:
    """A deployment of these batches; what is no field of a snapshot belongs to its policy.

    `max_failures` as a person writes it; `canary` and `between` are the rules of the two gates.
    """
    seen = {name: told.pop(name) for name in list(told) if name in Snapshot.__dataclass_fields__}
    return Snapshot(stage, policy(**told), batches, **seen)


def policy(**told: object) -> Policy:
    """A policy: `max_failures="10 %"`, `canary=GateRule(…)`, and its other fields by name."""
    gates = {Gate.CANARY: told.pop("canary", None), Gate.BATCH: told.pop("between", None)}
    rules = {gate: rule for gate, rule in gates.items() if rule is not None}
    allowed = amount(str(told.pop("max_failures", 0)))
    return Policy(max_failures=allowed, gates=rules, **told)


_STATES = frozenset(state.value for state in State)
