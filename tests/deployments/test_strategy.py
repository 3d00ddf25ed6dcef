"""The strategy of a rollout as stored: what is accepted, and how the planner reads it."""

from decimal import Decimal

import pytest

from deployments import strategy
from deployments.planner import Amount, GateRule, Offline
from deployments.states import RETRIED, Failure, Gate
from deployments.strategy import CHOICES, DEFAULTS, LIMITS, StrategyError, checked, policy_of


def problems_of(**given):
    with pytest.raises(StrategyError) as caught:
        checked(given)
    return caught.value.problems


def test_nothing_said_is_an_immediate_rollout_with_the_defaults():
    assert checked({}) == DEFAULTS
    assert DEFAULTS["kind"] == "immediate"


def test_what_was_checked_is_accepted_again():
    once = checked({"kind": "canary", "max_failures": " 10% ", "rollback_percent": "2.50"})
    assert checked(once) == once
    assert once["max_failures"] == "10%"


def test_an_unknown_setting_is_refused():
    assert problems_of(speed=3) == {"speed": "is not a setting of a rollout"}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("value", ["something else", "", None, 3, [], {}, ["canary"]])
def test_a_choice_is_one_of_those_offered(name, value):
    assert problems_of(**{name: value})[name].startswith("must be one of ")


@pytest.mark.parametrize("name", LIMITS)
def test_a_number_is_whole_and_between_its_limits(name):
    limit = LIMITS[name]
    for value in (limit.least, limit.most):
        given = {name: value}
        if name == "offline_after_seconds":
            given["offline"] = "wait"
        assert checked(given)[name] == value
    words = f"must be between {limit.least} and {limit.most}"
    for value in (limit.least - 1, limit.most + 1):
        assert problems_of(**{name: value}) == {name: words}
    for value in ("5", 5.5, True, [], "many"):
        assert problems_of(**{name: value}) == {name: "must be a whole number"}


@pytest.mark.parametrize("value", ["100", "100.00", 100, "99.991", "-1", "101", "all", True, ""])
def test_a_rollback_threshold_that_can_never_be_exceeded_or_read_is_refused(value):
    said = problems_of(rollback_percent=value)["rollback_percent"]
    assert said == (
        "must be a percentage between 0 and 99.99, with two decimals at most; "
        "100 % can never be exceeded"
    )


@pytest.mark.parametrize("value", ["0", "0.01", "2.5", "99.99", 50])
def test_a_rollback_threshold_has_two_decimals(value):
    policy = policy_of(checked({"rollback_percent": value}))
    assert policy.rollback_percent == Decimal(str(value))


@pytest.mark.parametrize("name", ["canary_percent", "batch_percent"])
def test_percentages_of_batches_are_over_nothing_and_up_to_all(name):
    for value in ("0.01", "2.5", 100, "100.00"):
        assert checked({name: value})[name] == str(value)
    for value in ("0", "0.001", "100.01", "10 %", None, "ten"):
        said = problems_of(**{name: value})[name]
        assert said == "must be a percentage between 0.01 and 100, with two decimals at most"


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        (0, Amount()),
        (5, Amount(Decimal(5))),
        ("5", Amount(Decimal(5))),
        ("2.5 %", Amount(Decimal("2.5"), percent=True)),
        ("100 %", Amount(Decimal(100), percent=True)),
        (1_000_000, Amount(Decimal(1_000_000))),
    ],
)
def test_how_many_may_fail_is_a_number_or_a_percentage(given, amount):
    assert policy_of(checked({"max_failures": given})).max_failures == amount


@pytest.mark.parametrize("value", [-1, 2.5, "2.5", "101 %", "many", True, None, []])
def test_and_nothing_else(value):
    assert problems_of(max_failures=value)["max_failures"].startswith("must ")


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"order": "label"}, "order_label", "must name the label by which the devices are ordered"),
        (
            {"kind": "canary", "canary_by": "labels"},
            "canary_labels",
            "must be a label expression that matches the canary",
        ),
        (
            {"kind": "rolling", "batch_by": "sizes"},
            "batch_sizes",
            'must be a whole number like 5, or a percentage like "10 %"',
        ),
        (
            {"kind": "rolling", "batch_by": "sizes", "batch_sizes": "60 %, 60 %"},
            "batch_sizes",
            "must not be over 100 % together",
        ),
        (
            {"offline": "move_on", "offline_after_seconds": 60, "offline_wait_seconds": 60},
            "offline_after_seconds",
            "must be shorter than the time until it is given up",
        ),
        (
            {"offline": "fail", "offline_after_seconds": 61, "offline_wait_seconds": 60},
            "offline_after_seconds",
            "must not be longer than the time until it is given up",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_at_its_field(given, field, words):
    assert problems_of(**given) == {field: words}


def test_what_the_kind_does_not_use_is_not_judged():
    assert checked({"kind": "rolling", "canary_by": "labels"})["canary_labels"] == ""
    assert checked({"kind": "canary", "batch_by": "sizes"})["batch_sizes"] == ""


def test_every_problem_is_told_at_once():
    assert set(problems_of(kind="slow", batch_size=0, rollback_percent="100")) == {
        "kind",
        "batch_size",
        "rollback_percent",
    }


def test_the_planner_reads_gates_limits_retries_and_thresholds():
    policy = policy_of(
        checked(
            {
                "canary_gate": "automatic",
                "canary_soak_seconds": 3600,
                "batch_gate": "manual",
                "batch_delay_seconds": 60,
                "install_timeout_seconds": 90,
                "offline": "move_on",
                "offline_after_seconds": 100,
                "offline_wait_seconds": 200,
                "retry_failed": 2,
                "retry_timed_out": 1,
                "rollback_count": 0,
                "rollback_min_released": 10,
            }
        )
    )
    assert policy.gate(Gate.CANARY) == GateRule(automatic=True, delay_seconds=3600)
    assert policy.gate(Gate.BATCH) == GateRule(automatic=False, delay_seconds=60)
    assert policy.gate(None) == GateRule()
    assert policy.install_timeout_seconds == 90
    assert (policy.offline, policy.offline_after_seconds) == (Offline.MOVE_ON, 100)
    assert policy.offline_wait_seconds == 200
    assert {kind: tries for kind, tries in policy.retries.items() if tries} == {
        Failure.FAILED: 2,
        Failure.TIMED_OUT: 1,
    }
    assert set(policy.retries) == set(RETRIED)
    assert (policy.rollback_percent, policy.rollback_count) == (None, 0)
    assert policy.rollback_min_released == 10


def test_one_stored_before_a_setting_existed_has_its_default():
    policy = policy_of({"max_failures": 2, "install_timeout_seconds": 60})
    assert policy.max_failures == Amount(Decimal(2))
    assert policy.offline_wait_seconds == 86_400


def test_a_canary_is_chosen_by_labels_only_where_there_is_one():
    by_labels = {"canary_by": "labels", "canary_labels": "ring=0"}
    assert strategy.canary_labels(checked({"kind": "canary", **by_labels})) == "ring=0"
    assert strategy.canary_labels(checked({"kind": "rolling", **by_labels})) == ""
    assert strategy.canary_labels(checked({"kind": "canary"})) == ""
