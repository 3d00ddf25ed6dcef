"""When too many have failed: a batch is held, the whole deployment is undone, never by rounding."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.planner import Hold, RollBack, amount, breach, plan, unhealthy
from deployments.states import Stage, State
from tests.deployments.seen import NOON, batch, ended, policy, snap

BREACHES = [
    pytest.param(
        snap(ended(installed=2, failed=2), batch(2, queued=1), rollback_percent=Decimal(50)),
        [Hold("Batch 1: 2 of 4 failed, 0 allowed: held.", 1)],
        id="exactly at the threshold: held, not undone",
    ),
    pytest.param(
        snap(ended(installed=2, failed=3), batch(2, queued=1), rollback_percent=Decimal(50)),
        [RollBack("3 of 5 released devices failed (60 %), 50 % allowed: rolling back.")],
        id="one above it",
    ),
    pytest.param(
        snap(batch(installed=9, failed=1), rollback_count=0),
        [RollBack("1 device failed, 0 allowed: rolling back.")],
        id="failure is judged before success",
    ),
    pytest.param(
        snap(ended(installed=9, failed=1), rollback_count=0),
        [RollBack("1 device failed, 0 allowed: rolling back.")],
        id="after the last batch too, until it completes",
    ),
    *[
        pytest.param(
            snap(
                ended(installed=1, failed=2),
                batch(2, queued=1),
                stage=stage,
                rollback_count=1,
                gate_batch=1 if stage is Stage.GATE else None,
                gate_since=NOON if stage is Stage.GATE else None,
            ),
            [RollBack("2 devices failed, 1 allowed: rolling back.")],
            id=f"in {stage}",
        )
        for stage in (Stage.ROLLING, Stage.GATE, Stage.HELD, Stage.PAUSED)
    ],
    *[
        pytest.param(
            snap(ended(installed=1, failed=2), stage=stage, rollback_count=1), [], id=f"not {stage}"
        )
        for stage in (Stage.DRAFT, Stage.AWAITING_APPROVAL, Stage.READY)
    ],
    *[
        pytest.param(
            snap(ended(installed=1, failed=2), stage=stage, rollback_count=1), [], id=f"nor {stage}"
        )
        for stage in (Stage.COMPLETED, Stage.CANCELLED, Stage.ROLLED_BACK)
    ],
]


@pytest.mark.parametrize(("snapshot", "steps"), BREACHES)
def test_plan(snapshot, steps):
    assert plan(snapshot, NOON) == steps


@pytest.mark.parametrize(
    ("allowed", "size", "number"),
    [
        ("0", 10, 0),
        ("3", 10, 3),
        ("30", 10, 30),
        ("0 %", 10, 0),
        ("10 %", 10, 1),
        ("10 %", 9, 0),
        ("33.33 %", 3, 0),
        ("33.34 %", 3, 1),
        ("99.99 %", 10_000, 9999),
        ("99.99 %", 9_999, 9998),
        ("100 %", 7, 7),
        ("0.01 %", 9_999, 0),
        ("0.01 %", 10_000, 1),
    ],
)
def test_how_many_of_a_batch_may_fail(allowed, size, number):
    assert amount(allowed).of(size) == number
    assert not unhealthy(batch(failed=number, size=size), policy(max_failures=allowed))
    assert unhealthy(batch(failed=number + 1, size=size), policy(max_failures=allowed))


@pytest.mark.parametrize(
    ("percent", "failed", "released", "said"),
    [
        ("0", 0, 10, None),
        ("0", 1, 10, "1 of 10 released devices failed (10 %), 0 % allowed: rolling back."),
        ("25", 1, 4, None),
        ("24.99", 1, 4, "1 of 4 released devices failed (25 %), 24.99 % allowed: rolling back."),
        (
            "33.33",
            1,
            3,
            "1 of 3 released devices failed (over 33.33 %), 33.33 % allowed: rolling back.",
        ),
        (
            "0",
            1,
            100_000,
            "1 of 100000 released devices failed (over 0 %), 0 % allowed: rolling back.",
        ),
        ("33.34", 1, 3, None),
        ("2.50", 25, 1000, None),
        (
            "2.50",
            26,
            1000,
            "26 of 1000 released devices failed (2.6 %), 2.5 % allowed: rolling back.",
        ),
        ("99.99", 9999, 10_000, None),
        (
            "99.99",
            10_000,
            10_000,
            "10000 of 10000 released devices failed (100 %), 99.99 % allowed: rolling back.",
        ),
        ("99.99", 1, 1, "1 of 1 released devices failed (100 %), 99.99 % allowed: rolling back."),
    ],
)
def test_a_percentage_of_the_released_devices(percent, failed, released, said):
    seen = snap(
        ended(failed=failed, installed=released - failed), rollback_percent=Decimal(percent)
    )
    assert breach(seen) == said


@pytest.mark.parametrize(
    ("count", "failed", "said"),
    [
        (0, 0, None),
        (0, 1, "1 device failed, 0 allowed: rolling back."),
        (3, 3, None),
        (3, 4, "4 devices failed, 3 allowed: rolling back."),
        (1000, 10, None),
    ],
)
def test_a_number_of_devices(count, failed, said):
    assert breach(snap(ended(failed=failed, size=10), rollback_count=count)) == said


@pytest.mark.parametrize("rule", [{"rollback_count": 0}, {"rollback_percent": Decimal(0)}])
def test_nothing_is_undone_before_enough_devices_were_released(rule):
    few = snap(batch(failed=2, installed=2, queued=5), rollback_min_released=5, **rule)
    enough = snap(batch(failed=2, installed=3, queued=4), rollback_min_released=5, **rule)
    assert breach(few) is None
    assert breach(enough) is not None


@pytest.mark.parametrize("state", [State.CANCELLED, State.SKIPPED, State.SUPERSEDED, State.QUEUED])
def test_these_do_not_count_as_released(state):
    with_them = snap(batch(failed=1, installed=1, **{state.value: 8}), rollback_percent=Decimal(49))
    assert breach(with_them) == (
        "1 of 2 released devices failed (50 %), 49 % allowed: rolling back."
    )


@pytest.mark.parametrize(
    "state", [State.PENDING, State.INSTALLING, State.DEFERRED, State.INSTALLED]
)
def test_and_these_do(state):
    with_them = snap(batch(failed=1, **{state.value: 3}), rollback_percent=Decimal(25))
    assert breach(with_them) is None


def test_failures_of_all_batches_count_for_the_whole_deployment():
    spread = (ended(failed=1, installed=9), ended(2, failed=1, installed=9), batch(3, queued=5))
    assert breach(snap(*spread, rollback_count=1)) == "2 devices failed, 1 allowed: rolling back."


def test_accepted_failures_still_count_for_the_whole_deployment():
    seen = snap(ended(failed=3, installed=7, accepted=3), batch(2, queued=1), rollback_count=2)
    assert plan(seen, NOON) == [RollBack("3 devices failed, 2 allowed: rolling back.")]


def test_without_anything_released_nothing_is_divided():
    assert breach(snap(batch(cancelled=3, skipped=2), rollback_percent=Decimal(0))) is None
    assert breach(snap(rollback_percent=Decimal(0))) is None


TWO_DECIMALS = st.integers(0, 9999).map(lambda hundredths: Decimal(hundredths) / 100)


@given(TWO_DECIMALS, st.integers(0, 300), st.integers(0, 300), st.integers(1, 50))
def test_a_threshold_is_exceeded_by_more_than_it_says_and_never_by_rounding(
    percent, failed, well, least
):
    seen = snap(
        ended(failed=failed, installed=well),
        rollback_percent=percent,
        rollback_min_released=least,
    )
    released = failed + well
    exceeds = failed * 10_000 > int(percent * 100) * released
    assert (breach(seen) is not None) == (exceeds and released >= least)


@given(TWO_DECIMALS, st.integers(1, 100_000))
def test_of_a_batch_never_more_may_fail_than_the_percentage_says(percent, size):
    number = amount(f"{percent} %").of(size)
    assert number * 100 <= percent * size < (number + 1) * 100
