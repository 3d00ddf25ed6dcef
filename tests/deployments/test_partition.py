"""How targets are cut into batches: each in exactly one, in their order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.planner import PartitionError, amount, partition, sizes
from deployments.planner.partition import MOST_BATCHES
from deployments.states import Gate
from deployments.strategy import checked

CANARY = {"kind": "canary", "canary_by": "percent", "canary_percent": "10"}
ROLLING = {"kind": "rolling", "batch_by": "percent", "batch_percent": "25"}
BY_SIZE = {"kind": "rolling", "batch_by": "size"}
BY_SIZES = {"kind": "rolling", "batch_by": "sizes"}
BY_COUNT = {"kind": "canary", "canary_by": "count"}
BY_LABEL = {"kind": "canary", "canary_by": "labels", "canary_labels": "ring=0"}


def cut(total, matches=None, **strategy):
    return partition(checked(strategy), total, matches)


@pytest.mark.parametrize(
    ("strategy", "total", "expected"),
    [
        pytest.param({"kind": "immediate"}, 7, [7], id="immediate is one batch"),
        pytest.param({"kind": "immediate"}, 0, [], id="no device, no batch"),
        pytest.param(CANARY, 100, [10, 90], id="a canary by percentage, and the rest"),
        pytest.param(CANARY, 19, [1, 18], id="a percentage is rounded down"),
        pytest.param(CANARY, 5, [1, 4], id="a canary that rounds to nothing is one device"),
        pytest.param(CANARY, 1, [1], id="a fleet of one"),
        pytest.param(CANARY | {"canary_percent": "100"}, 7, [7], id="a canary of all"),
        pytest.param(CANARY | {"canary_percent": "99.99"}, 7, [6, 1], id="of nearly all"),
        pytest.param(CANARY | {"canary_percent": "0.01"}, 20_000, [2, 19_998], id="two decimals"),
        pytest.param(BY_COUNT | {"canary_count": 3}, 10, [3, 7], id="a canary by number"),
        pytest.param(BY_COUNT | {"canary_count": 30}, 10, [10], id="larger than the fleet"),
        pytest.param(ROLLING, 8, [2, 2, 2, 2], id="quarters"),
        pytest.param(ROLLING, 10, [2, 2, 2, 2, 2], id="percentages are of all, not of the rest"),
        pytest.param(ROLLING, 3, [1, 1, 1], id="more batches than devices"),
        pytest.param(
            ROLLING | {"batch_percent": "33.33"}, 10, [3, 3, 3, 1], id="the last takes what is left"
        ),
        pytest.param(BY_SIZE | {"batch_size": 4}, 10, [4, 4, 2], id="batches by size"),
        pytest.param(BY_SIZE | {"batch_size": 99}, 10, [10], id="a size larger than the fleet"),
        pytest.param(
            BY_SIZES | {"batch_sizes": "1, 10, 50 %, rest"}, 40, [1, 10, 20, 9], id="explicit sizes"
        ),
        pytest.param(
            BY_SIZES | {"batch_sizes": "1, 10, 50 %"}, 40, [1, 10, 20, 9], id="the rest unsaid"
        ),
        pytest.param(BY_SIZES | {"batch_sizes": "1, 10, rest"}, 11, [1, 10], id="no rest is left"),
        pytest.param(BY_SIZES | {"batch_sizes": "5, 5, 5"}, 7, [5, 2], id="sizes over the fleet"),
        pytest.param(BY_SIZES | {"batch_sizes": "1 %, rest"}, 7, [1, 6], id="a small percentage"),
        pytest.param(BY_SIZES | {"batch_sizes": "rest"}, 7, [7], id="nothing but the rest"),
        pytest.param(
            CANARY | {"kind": "canary_rolling", "batch_by": "size", "batch_size": 40},
            100,
            [10, 40, 40, 10],
            id="a canary, then batches",
        ),
        pytest.param(
            CANARY | {"kind": "canary_rolling", "batch_by": "percent", "batch_percent": "50"},
            10,
            [1, 5, 4],
            id="batches behind a canary are percentages of all, too",
        ),
    ],
)
def test_the_sizes_of_the_batches(strategy, total, expected):
    assert [batch.size for batch in cut(total, **strategy)] == expected


def test_a_canary_by_label_is_as_large_as_its_matches():
    assert [one.size for one in cut(10, 3, **BY_LABEL)] == [3, 7]
    assert [one.size for one in cut(10, 10, **BY_LABEL)] == [10]


@pytest.mark.parametrize("matches", [0, None])
def test_a_canary_that_matches_no_target_is_refused(matches):
    with pytest.raises(PartitionError, match="No device matches the canary's .* ring=0"):
        cut(10, matches, **BY_LABEL)


def test_more_batches_than_anybody_can_oversee_are_refused_with_the_numbers():
    assert len(cut(MOST_BATCHES, **BY_SIZE, batch_size=1)) == MOST_BATCHES
    with pytest.raises(PartitionError, match="1001 devices in batches of 1 make 1001 batches"):
        cut(MOST_BATCHES + 1, **BY_SIZE, batch_size=1)


@pytest.mark.parametrize(
    ("strategy", "names", "gates"),
    [
        ({"kind": "immediate"}, ["All devices"], [None]),
        (CANARY, ["Canary", "The rest"], [Gate.CANARY, None]),
        (ROLLING | {"batch_percent": "50"}, ["Batch 1", "Batch 2"], [Gate.BATCH, None]),
        (
            CANARY | {"kind": "canary_rolling", "batch_by": "size", "batch_size": 5},
            ["Canary", "Batch 1", "Batch 2"],
            [Gate.CANARY, Gate.BATCH, None],
        ),
    ],
)
def test_every_batch_has_its_name_and_all_but_the_last_a_gate(strategy, names, gates):
    batches = cut(10, **strategy)
    assert [batch.name for batch in batches] == names
    assert [batch.gate for batch in batches] == gates


@pytest.mark.parametrize(
    ("strategy", "starts"),
    [
        ({}, ["at once", "after Promote Canary", "when the batch before is healthy"]),
        (
            {"canary_gate": "automatic", "canary_soak_seconds": 3600, "batch_gate": "manual"},
            ["at once", "1 hour after the canary is healthy", "after Approve Batch"],
        ),
        (
            {"canary_gate": "automatic", "batch_delay_seconds": 90},
            [
                "at once",
                "when the canary is healthy",
                "1 minute 30 seconds after the batch before is healthy",
            ],
        ),
    ],
)
def test_the_plan_says_when_each_batch_starts(strategy, starts):
    both = CANARY | {"kind": "canary_rolling", "batch_by": "size", "batch_size": 5, **strategy}
    assert [batch.starts for batch in cut(10, **both)] == starts


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must be a whole number like 5"),
        ("1,,2", "must be a whole number like 5"),
        ("1, two", "must be a whole number like 5"),
        ("1.5, rest", "must be a whole number like 5"),
        ("-1, rest", "must be a whole number like 5"),
        ("1, 2.555 %", "must be a whole number like 5"),
        ("0, rest", "must have sizes of at least 1"),
        ("0 %", "must have sizes of at least 1"),
        ("101 %", "must not be over 100 %"),
        ("60 %, 40.01 %", "must not be over 100 % together"),
        ("1, rest, 5", 'must have "rest" at the end only'),
        ("rest, rest", 'must have "rest" at the end only'),
        ("1," * MOST_BATCHES + "rest", f"must name fewer than {MOST_BATCHES} sizes"),
    ],
)
def test_sizes_that_make_no_sense_are_refused_with_a_sentence(text, problem):
    with pytest.raises(ValueError, match=problem):
        sizes(text)


def test_sizes_may_be_written_as_people_write_them():
    assert sizes(" 1 ,50%,2.5 % , REST") == [amount("1"), amount("50 %"), amount("2.5 %"), None]
    assert sizes("60 %, 40 %") == [amount("60 %"), amount("40 %"), None]


@pytest.mark.parametrize("text", ["", "ten", "5.5", "1e3", "-1", "٣", "5 %%", "5 % %", "12345678"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match='must be a whole number like 5, or a percentage like "10'):
        amount(text)


def test_an_amount_in_words():
    assert [amount(text).words for text in ("5", "2.50%", "10 %", "0 %")] == [
        "5",
        "2.5 %",
        "10 %",
        "0 %",
    ]


PERCENT = st.integers(1, 10_000).map(lambda hundredths: str(Decimal(hundredths) / 100))
SIZE = st.one_of(st.integers(1, 5000).map(str), PERCENT.map(lambda number: f"{number} %"))


@st.composite
def strategies(draw):
    """Any strategy that is accepted, and how many targets its canary matches."""
    given_ = {
        "kind": draw(st.sampled_from(["immediate", "canary", "rolling", "canary_rolling"])),
        "canary_by": draw(st.sampled_from(["percent", "count", "labels"])),
        "canary_percent": draw(PERCENT),
        "canary_count": draw(st.integers(1, 5000)),
        "canary_labels": "ring=0",
        "batch_by": draw(st.sampled_from(["percent", "size", "sizes"])),
        "batch_percent": draw(PERCENT),
        "batch_size": draw(st.integers(1, 5000)),
        "batch_sizes": ", ".join(draw(st.lists(SIZE, min_size=1, max_size=6))),
    }
    try:
        sizes(given_["batch_sizes"])
    except ValueError:
        # Percentages over 100 together are refused; their rollout never becomes a plan.
        given_["batch_sizes"] = "1, rest"
    return checked(given_)


@given(strategies(), st.integers(1, 20_000), st.integers(1, 20_000))
def test_every_target_is_in_exactly_one_batch_whatever_the_strategy(strategy, total, matches):
    try:
        batches = partition(strategy, total, min(matches, total))
    except PartitionError:
        assert strategy["kind"] in {"rolling", "canary_rolling"}
        assert total > MOST_BATCHES
        return
    assert [batch.number for batch in batches] == list(range(1, len(batches) + 1))
    assert batches[0].first == 1
    ends = [batch.first + batch.size for batch in batches]
    assert [batch.first for batch in batches[1:]] == ends[:-1]
    assert ends[-1] == total + 1
    assert all(batch.size > 0 for batch in batches)
    assert all(batch.gate for batch in batches[:-1])
    assert batches[-1].gate is None
    assert len({batch.name for batch in batches}) == len(batches)


@given(strategies(), st.integers(1, 20_000))
def test_a_percentage_is_of_all_targets_rounded_down_and_at_least_one(strategy, total):
    strategy = {**strategy, "kind": "canary_rolling", "canary_by": "percent"}
    strategy["batch_by"] = "percent"

    def share(name):
        return max(1, int(Decimal(str(strategy[name])) * total / 100))

    try:
        batches = partition(strategy, total)
    except PartitionError:
        assert total / share("batch_percent") > MOST_BATCHES
        return
    assert batches[0].size == share("canary_percent")
    assert all(batch.size == share("batch_percent") for batch in batches[1:-1])
