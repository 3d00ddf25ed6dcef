"""YAML that every reader reads alike, whichever version of YAML it speaks."""

import json
import re
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deployments.yaml_text import yaml_text
from tests.deployments.documents import NOT_TEXT, UID

Json = dict[str, object]


TEXT = st.text(max_size=20) | st.sampled_from(NOT_TEXT)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=5))
def test_every_value_survives_a_yaml_1_1_reader(value: Json) -> None:
    read = yaml.safe_load(yaml_text(value))
    assert read == value
    assert repr(read) == repr(value)


# What YAML 1.2's core schema makes of a bare scalar.
NUMBER_1_2 = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+(e[+-][0-9]+)?)?")
WORDS_1_2 = {"null", "true", "false"}


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=5))
def test_every_bare_scalar_means_the_same_in_yaml_1_2(value: Json) -> None:
    """All that is not quoted is null, a boolean, a decimal number, or a key of ordinary letters."""
    ordinary = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
    for event in yaml.parse(yaml_text(value)):
        assert not isinstance(event, yaml.AliasEvent)
        if not isinstance(event, yaml.ScalarEvent) or event.style == '"':
            continue
        assert event.style is None
        number = NUMBER_1_2.fullmatch(event.value)
        assert number or event.value in WORDS_1_2 or ordinary.fullmatch(event.value)
        if ordinary.fullmatch(event.value) and event.value not in WORDS_1_2:
            assert yaml.safe_load(event.value) == event.value


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=5))
def test_the_same_value_gives_the_same_utf8_lines(value: Json) -> None:
    text = yaml_text(value)
    assert text == yaml_text(json.loads(json.dumps(value)))
    assert text.encode().decode() == text
    assert text.endswith("\n")


def test_a_repeated_part_is_written_twice() -> None:
    part = {"a": ["b"]}
    assert yaml_text({"one": part, "two": part}).count('- "b"') == 2


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(float("nan"), id="not a number"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param("\ud83d", id="half a character"),
        pytest.param({"\udc00": 1}, id="half a character as a name"),
        pytest.param({"x" * 1001: 1}, id="a name without end"),
        pytest.param(UUID(UID), id="no JSON"),
    ],
)
def test_what_no_device_could_read_is_not_written(value: object) -> None:
    with pytest.raises(ValueError, match="YAML"):
        yaml_text({"value": value})
