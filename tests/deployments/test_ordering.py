"""The order of the targets, decided over plain tuples."""

from collections import Counter
from itertools import groupby

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from deployments import arranging
from deployments.models import Deployment
from deployments.ordering import CANARY, OTHERS, UNFIT, natural, ordered
from tests import cast
from tests.deployments import plant

ORDERS = ("selected", "label", "groups")


def fleet(marks, part=OTHERS):
    """A device for each mark, with paths `a`, `b`, `c` …"""
    return [(pk, chr(ord("a") + pk), part, mark) for pk, mark in enumerate(marks)]


def paths(targets):
    return "".join(path for _, path, *_ in targets)


@pytest.mark.parametrize(
    ("order", "marks", "expected"),
    [
        pytest.param("selected", [2, 0, 1], "bca", id="as listed"),
        pytest.param("selected", [None, 1, None, 0], "dbac", id="who is not listed comes later"),
        pytest.param("selected", [None, None, None], "abc", id="by path where nothing is said"),
        pytest.param("label", ["b", "a", "c"], "bac", id="by the label"),
        pytest.param("label", ["10", "9", "1"], "cba", id="numbers as numbers"),
        pytest.param("label", ["hall 10", "hall 2", "hall"], "cba", id="numbers in texts too"),
        pytest.param("label", ["x", None, "x", "a"], "dacb", id="who lacks the label comes last"),
        pytest.param("label", ["", None], "ab", id="an empty label is a label"),
        pytest.param("groups", [0, 0, 0, 1, 1, 1], "adbecf", id="two groups in turn"),
        pytest.param("groups", [0, 0, 0, 1], "adbc", id="a small group is used up"),
        pytest.param("groups", [None, None, 1, 0], "dcab", id="in no group is one more group"),
        pytest.param("groups", [None, None], "ab", id="no group at all"),
    ],
)
def test_each_order(order, marks, expected):
    assert paths(ordered(fleet(marks), order)) == expected


@pytest.mark.parametrize("order", ORDERS)
def test_the_canary_comes_first_and_misfits_last(order):
    marks = {"selected": (0, 1, 2), "label": ("a", "b", "c"), "groups": (0, 0, 1)}[order]
    unfit, other, canary = (
        (pk, path, part, mark)
        for pk, path, part, mark in zip(
            range(3), "abc", (UNFIT, OTHERS, CANARY), marks, strict=True
        )
    )
    assert ordered([unfit, other, canary], order) == [canary, other, unfit]


def test_groups_take_turns_within_the_canary_and_after_it():
    """A misfit takes nobody's turn, and the first who follows the canary starts anew."""
    canary = [(1, "a", CANARY, 0), (2, "b", CANARY, 0), (3, "c", CANARY, 1)]
    others = [(4, "d", OTHERS, 0), (5, "e", OTHERS, 1), (6, "f", OTHERS, 1)]
    unfit = [(7, "A", UNFIT, 0)]
    assert paths(ordered([*unfit, *others, *canary], "groups")) == "acbdefA"


def test_the_same_number_written_in_two_ways_has_one_place_each():
    assert natural("7") != natural("07")
    assert sorted(["07", "7", "8", "1e3", "x7", "x"], key=natural) == [
        *("1e3", "07", "7", "8", "x", "x7")
    ]


@st.composite
def cases(draw):
    order = draw(st.sampled_from(ORDERS))
    mark = st.text("a1 2", max_size=3) if order == "label" else st.integers(0, 3)
    parts = st.sampled_from((CANARY, OTHERS, UNFIT))
    path = st.sampled_from("abcd")
    rows = st.lists(st.tuples(path, parts, st.none() | mark), max_size=25)
    return order, [(pk, *row) for pk, row in enumerate(draw(rows))]


@given(cases(), st.randoms())
def test_whatever_the_fleet(case, random):
    order, targets = case
    result = ordered(targets, order)
    assert Counter(result) == Counter(targets), "everybody once"
    parts = [part for _, _, part, _ in result]
    assert parts == sorted(parts), "canary first, misfits last"
    shuffled = random.sample(targets, len(targets))
    assert ordered(shuffled, order) == result, "the order of reading says nothing"


@given(cases())
def test_among_equals_the_path_decides(case):
    order, targets = case
    for (_, mark), equals in groupby(ordered(targets, order), key=lambda one: (one[2], one[3])):
        places = [(path, pk) for pk, path, *_ in equals]
        assert places == sorted(places), mark


@given(st.lists(st.sampled_from((0, 1, 2, None)), min_size=1, max_size=40), st.data())
def test_every_early_batch_has_devices_of_each_group(groups, data):
    """As long as no group is used up, any first so many differ by one device at most."""
    first = data.draw(st.integers(0, len(groups)))
    members = Counter(groups)
    taken = Counter(mark for *_, mark in ordered(fleet(groups), "groups")[:first])
    for one in members:
        for other in members:
            assert taken[one] >= min(members[one], taken[other] - 1)


@pytest.mark.django_db
def test_devices_are_tried_in_the_order_in_which_they_were_picked():
    browser = cast.sign_in(cast.operator())
    made = {path: plant.a_device(path=path) for path in ("press-3", "oven-2", "press-1", "saw-9")}
    draft = plant.a_draft([])
    url = reverse("admin:deployments_deployment_step", args=[draft.pk, 2])
    first = str(made["saw-9"].pk)
    browser.post(url, {"ids": [first], "shown": [first], "go": "search"})
    shown = [str(device.pk) for device in made.values()]
    # The rest as the list has it: by name.
    browser.post(url, {"ids": [first], "shown": shown, "go": "all"})
    order = [path for _, path, *_ in arranging.arrange(Deployment.objects.get(pk=draft.pk)).order]
    assert order == ["saw-9", "oven-2", "press-1", "press-3"]
    # Who is no longer ticked goes, and comes last when ticked again.
    browser.post(url, {"ids": shown[1:], "shown": shown, "go": "search"})
    browser.post(url, {"ids": shown, "shown": shown, "go": "search"})
    order = [path for _, path, *_ in arranging.arrange(Deployment.objects.get(pk=draft.pk)).order]
    assert order == ["saw-9", "oven-2", "press-1", "press-3"]
