"""The planner's table: a snapshot in, steps with their reasons out. No database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.planner import (
    BatchView,
    EndBatch,
    Finish,
    GiveUp,
    Policy,
    Release,
    Snapshot,
    next_look,
    partition,
    plan,
)
from deployments.states import Failure, Stage, State, Status

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def batch(number=1, *, released=True, ended=False, late=(0, 0), **counts):
    states = {State(name): count for name, count in counts.items()}
    size = sum(counts.values())
    return BatchView(number, f"Batch {number}", size, released, ended, states, *late)


def snap(*batches, stage=Stage.ROLLING, **policy):
    return Snapshot(stage, Policy(**policy), batches)


@pytest.mark.parametrize(
    ("snapshot", "steps"),
    [
        pytest.param(
            snap(batch(released=False, queued=3)),
            [Release("Batch 1: released to 3 devices.", 1)],
            id="a new rollout releases its batch",
        ),
        pytest.param(snap(batch(pending=2, installed=1)), [], id="devices under way: wait"),
        pytest.param(
            snap(batch(installed=2, failed=1)),
            [EndBatch("Batch 1: 2 installed, 1 failed.", 1)],
            id="nothing left to wait for: the batch has ended",
        ),
        pytest.param(
            snap(batch(ended=True, installed=2)),
            [Finish("Completed: 2 of 2 installed.", Stage.COMPLETED, Status.INSTALLED)],
            id="all batches ended: completed",
        ),
        pytest.param(
            snap(batch(ended=True, installed=2, failed=1), max_failures=1),
            [Finish("Completed: 2 of 3 installed, 1 failed.", Stage.COMPLETED, Status.INSTALLED)],
            id="exactly as many failures as allowed",
        ),
        pytest.param(
            snap(batch(ended=True, installed=1, failed=2), max_failures=1),
            [Finish("Completed: 2 of 3 failed, 1 allowed.", Stage.COMPLETED, Status.FAILED)],
            id="one failure more than allowed",
        ),
        pytest.param(
            snap(batch(ended=True, skipped=2)),
            [Finish("Completed: 0 of 2 installed, 2 skipped.", Stage.COMPLETED, Status.INSTALLED)],
            id="nobody needed it",
        ),
        pytest.param(
            snap(batch(installed=1), batch(2, released=False, queued=1)),
            [EndBatch("Batch 1: 1 installed.", 1)],
            id="the next batch waits until this one has ended",
        ),
        pytest.param(
            snap(batch(pending=1), batch(2, released=False, queued=1)),
            [],
            id="nothing of batch 2 before batch 1 has ended",
        ),
        pytest.param(
            snap(batch(installing=3, late=(2, 0)), install_timeout_seconds=60),
            [GiveUp("Batch 1: 2 devices did not finish within 1 minute.", 1, Failure.TIMED_OUT)],
            id="installs that take too long",
        ),
        pytest.param(
            snap(batch(pending=3, late=(0, 3)), offline_wait_seconds=86_400),
            [
                GiveUp(
                    "Batch 1: 3 devices did not come for it within 1 day.",
                    1,
                    Failure.UNREACHABLE,
                )
            ],
            id="devices that never come",
        ),
        pytest.param(
            snap(batch(pending=1, cancelled=1), stage=Stage.CANCELLING),
            [],
            id="a cancel waits for what was sent",
        ),
        pytest.param(
            snap(batch(ended=True, installed=1, cancelled=1), stage=Stage.CANCELLING),
            [
                Finish(
                    "Cancelled: 1 of 2 had it installed and keep it.",
                    Stage.CANCELLED,
                    Status.INSTALLED,
                )
            ],
            id="cancelled with something installed",
        ),
        pytest.param(
            snap(batch(released=False, cancelled=2), stage=Stage.CANCELLING),
            [
                Finish(
                    "Cancelled: 0 of 2 had it installed and keep it.",
                    Stage.CANCELLED,
                    Status.REMOVED,
                )
            ],
            id="cancelled before anything happened",
        ),
        pytest.param(
            snap(batch(released=False, queued=2), stage=Stage.CANCELLING),
            [],
            id="a cancel releases nothing",
        ),
        pytest.param(
            snap(),
            [Finish("Completed: 0 of 0 installed.", Stage.COMPLETED, Status.INSTALLED)],
            id="an empty deployment ends by itself",
        ),
    ],
)
def test_plan(snapshot, steps):
    assert plan(snapshot, NOON) == steps


def test_the_next_look_is_the_earliest_limit():
    policy = Policy(install_timeout_seconds=60, offline_wait_seconds=10)
    both = Snapshot(Stage.ROLLING, policy, (), NOON, NOON + timedelta(seconds=55))
    assert next_look(both) == NOON + timedelta(seconds=60)
    assert next_look(Snapshot(Stage.ROLLING, policy, ())) is None


@given(st.integers(0, 200_000))
def test_batches_cover_every_target_exactly_once(total):
    batches = partition({"kind": "immediate"}, total)
    assert sum(one.size for one in batches) == total
    starts = [one.first for one in batches]
    assert starts == sorted(set(starts))
    assert all(one.size > 0 for one in batches)


COUNTS = st.dictionaries(st.sampled_from(list(State)), st.integers(1, 5), min_size=1)


@given(COUNTS, st.booleans(), st.booleans(), st.integers(0, 5))
def test_it_never_ends_a_batch_with_devices_under_way(counts, released, ended, allowed):
    view = BatchView(1, "All", sum(counts.values()), released, ended and released, counts)
    steps = plan(Snapshot(Stage.ROLLING, Policy(max_failures=allowed), (view,)), NOON)
    if view.in_flight and not view.ended:
        assert not any(isinstance(step, EndBatch | Finish) for step in steps)
    if released:
        assert not any(isinstance(step, Release) for step in steps)
