"""Label selectors: their grammar, their refusals, and that SQL answers as memory does."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import labels
from devices.groups import members_of
from devices.models import Client, Device, DeviceGroup
from devices.selectors import Operator, Requirement, SelectorError, matching, parse
from tests import cast


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("  ", [], id="blank"),
        pytest.param("site=berlin", [Requirement("site", Operator.IN, ("berlin",))], id="equal"),
        pytest.param("site == berlin", [Requirement("site", Operator.IN, ("berlin",))], id="=="),
        pytest.param("a!=b", [Requirement("a", Operator.NOT_IN, ("b",))], id="not equal"),
        pytest.param("a in (1, 2)", [Requirement("a", Operator.IN, ("1", "2"))], id="in"),
        pytest.param("a notin (1)", [Requirement("a", Operator.NOT_IN, ("1",))], id="notin"),
        pytest.param("gpu", [Requirement("gpu", Operator.EXISTS)], id="exists"),
        pytest.param("!gpu", [Requirement("gpu", Operator.MISSING)], id="missing"),
        pytest.param(
            'site="Werk 1, Halle \\"B\\""',
            [Requirement("site", Operator.IN, ('Werk 1, Halle "B"',))],
            id="quoted value",
        ),
        pytest.param("in in (in)", [Requirement("in", Operator.IN, ("in",))], id="words as names"),
        pytest.param(
            "plant.example/line=1,!old",
            [
                Requirement("plant.example/line", Operator.IN, ("1",)),
                Requirement("old", Operator.MISSING),
            ],
            id="two, with a prefix",
        ),
    ],
)
def test_a_selector_is_read(text: str, expected: list[Requirement]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("=x", "Position 1: the name of a label is expected, not “=”.", id="no key"),
        pytest.param("a=", "Position 3: a value is expected, not the end.", id="no value"),
        pytest.param("a b", "Position 3: a comma is expected, not “b”.", id="no comma"),
        pytest.param("a,", "Position 3: the name of a label is expected, not the end.", id="end"),
        pytest.param("a in 1", "Position 6: an opening bracket is expected, not “1”.", id="open"),
        pytest.param(
            "a in (1",
            "Position 8: a comma or a closing bracket is expected, not the end.",
            id="close",
        ),
        pytest.param("a in ()", "Position 7: a value is expected, not “)”.", id="empty set"),
        pytest.param('a="b', "Position 3: the quotation mark is never closed.", id="open quote"),
        pytest.param("!!a", "Position 2: the name of a label is expected, not “!”.", id="twice"),
    ],
)
def test_a_refusal_names_the_position(text: str, sentence: str) -> None:
    with pytest.raises(SelectorError) as refusal:
        parse(text)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("a" * 2001, "A selector has at most 2000 characters.", id="characters"),
        pytest.param("a," * 30_000, "A selector has at most 2000 characters.", id="a flood"),
        pytest.param(",".join("a" * 51), "A selector has at most 50 requirements.", id="many"),
    ],
)
def test_a_selector_that_would_cost_too_much_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SelectorError) as refusal:
        parse(text)
    assert str(refusal.value) == sentence


@pytest.mark.django_db
def test_the_largest_selector_is_still_answered() -> None:
    assert len(parse("a" * 2000)) == 1
    assert not Device.objects.filter(matching(",".join("a" * 50))).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["line", "!line", "line=1", "line!=1", "line in (1), !old"])
def test_the_rows_of_a_label_are_read_once_and_not_for_each_device(text: str) -> None:
    assert "CORRELATED" not in Device.objects.filter(matching(text)).explain()


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_position(text: str) -> None:
    said = "Position 1: read"
    try:
        parse(text)
    except SelectorError as refusal:
        said = str(refusal)
    assert said.startswith("Position ")


KEYS = st.sampled_from(["site", "line", "gpu"])
VALUES = st.sampled_from(["1", "2", "3"])
LABELS = st.dictionaries(KEYS, st.lists(VALUES, min_size=1, max_size=2), max_size=3)
CLAUSES = st.one_of(
    st.builds("{}={}".format, KEYS, VALUES),
    st.builds("{}!={}".format, KEYS, VALUES),
    st.builds("{} in ({}, {})".format, KEYS, VALUES, VALUES),
    st.builds("{} notin ({})".format, KEYS, VALUES),
    KEYS,
    st.builds("!{}".format, KEYS),
)


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    fleet=st.lists(LABELS, min_size=1, max_size=5),
    text=st.lists(CLAUSES, min_size=1, max_size=3).map(", ".join),
)
def test_sql_and_memory_pick_the_same_devices(fleet: list[dict[str, list[str]]], text: str) -> None:
    Device.objects.all().delete()
    Client.objects.all().delete()
    client = cast.client("gateway")
    for number, reported in enumerate(fleet):
        device = Device.objects.create(
            client=client, path=f"d{number}", created_at=cast.NOON, reported_labels=reported
        )
        labels.reindex(device)

    picked = set(Device.objects.filter(matching(text)).values_list("path", flat=True))

    requirements = parse(text)
    expected = {
        f"d{number}"
        for number, reported in enumerate(fleet)
        if all(one.met_by(labels.effective(reported, {})) for one in requirements)
    }
    assert picked == expected


@pytest.mark.django_db
def test_a_group_is_its_members_and_what_its_selector_matches_but_nothing_removed() -> None:
    client = cast.client("gateway")
    member = cast.device(client, "member")
    matched = cast.device(client, "matched", site="berlin")
    cast.device(client, "neither", site="paris")
    gone = cast.device(client, "gone", site="berlin")
    Device.objects.filter(pk=gone.pk).update(removed_at=cast.NOON)
    group = DeviceGroup.objects.create(name="g", selector="site=berlin", created_at=cast.NOON)
    group.members.add(member, gone, matched)

    assert list(members_of(group)) == [matched, member]


@pytest.mark.django_db
def test_a_group_without_members_and_selector_is_empty() -> None:
    cast.device(cast.client("gateway"), "one")
    group = DeviceGroup.objects.create(name="g", created_at=cast.NOON)
    assert list(members_of(group)) == []
