"""Which values a schema takes, and what becomes of what a person typed."""

import math
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applications.parameters import problem_with, read
from tests.applications.schemas import LEVELS, NUMBER, OPTIONAL, TEXT, WHOLE, YES_OR_NO

MAIL = TEXT | {"regexMatch": ".*@[a-z0-9.-]*"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(TEXT, "line 4", id="text"),
        pytest.param(TEXT | {"minLength": 3, "maxLength": 3}, "abc", id="exactly the length"),
        pytest.param(MAIL, "ann@example.org", id="text that matches"),
        pytest.param(TEXT | {"regexMatch": "(["}, "a", id="a broken pattern is not checked"),
        pytest.param(WHOLE, 0, id="zero is not empty"),
        pytest.param(WHOLE | {"minValue": 30, "maxValue": 360}, 30, id="the least"),
        pytest.param(WHOLE | {"minValue": 30, "maxValue": 360}, 360, id="the most"),
        pytest.param(NUMBER, 1, id="a whole number is a double"),
        pytest.param(NUMBER | {"maxPrecision": 1}, 0.5, id="decimals"),
        pytest.param(NUMBER | {"minPrecision": 2}, 0.25, id="enough decimals"),
        pytest.param(NUMBER | {"maxPrecision": 2}, 1e-2, id="decimals of an exponent"),
        pytest.param(YES_OR_NO, False, id="false is not empty"),
        pytest.param(TEXT | LEVELS, "info", id="an option"),
        pytest.param(TEXT | LEVELS | {"multiselect": True}, ["info", "debug"], id="two options"),
        pytest.param(TEXT | {"dataType": "array[string]"}, ["a", "b"], id="list of text"),
        pytest.param(TEXT | {"dataType": "array[integer]"}, [1, 2], id="list of whole numbers"),
        pytest.param(TEXT | {"dataType": "array[double]"}, [1, 2.5], id="list of numbers"),
        pytest.param(TEXT | {"dataType": "array[boolean]"}, [True, False], id="list of booleans"),
        pytest.param(WHOLE | {"options": ["1", "2"]}, 2, id="options are written as text"),
        pytest.param(TEXT | OPTIONAL | {"minLength": 5}, "", id="empty although it has a length"),
        pytest.param(WHOLE | OPTIONAL, None, id="no number where empty is allowed"),
        pytest.param(TEXT | OPTIONAL | {"dataType": "array[string]"}, [], id="an empty list"),
        pytest.param(WHOLE | {"minValue": "many"}, 1, id="a limit that is no number"),
    ],
)
def test_a_value_that_obeys_its_schema_has_no_problem(
    schema: dict[str, object], value: object
) -> None:
    assert problem_with(schema, value) is None


def test_a_pattern_that_takes_for_ever_is_given_up() -> None:
    begun = time.monotonic()
    schema = TEXT | {"regexMatch": "(a|aa)+"}
    problem = problem_with(schema, "a" * 60 + "b")
    assert problem == "takes too long to be checked against the pattern (a|aa)+"
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        pytest.param(TEXT, "", "must not be empty", id="empty text"),
        pytest.param(TEXT | {"allowEmpty": False}, None, "must not be empty", id="nothing"),
        pytest.param(TEXT | {"allowEmpty": "yes"}, "", "must not be empty", id="only true allows"),
        pytest.param(TEXT, 4, "must be text", id="a number as text"),
        pytest.param(TEXT, True, "must be text", id="a boolean as text"),
        pytest.param(
            TEXT, "a\0", "must not contain characters that cannot be stored", id="a null character"
        ),
        pytest.param(
            TEXT, "\ud83d", "must not contain characters that cannot be stored", id="half a smiley"
        ),
        pytest.param(
            TEXT | {"minLength": 5}, "abcd", "must be at least 5 characters", id="too short"
        ),
        pytest.param(
            TEXT | {"maxLength": 45}, "x" * 46, "must be at most 45 characters", id="too long"
        ),
        pytest.param(
            MAIL,
            "ann@example.org, and more",
            "must match the pattern .*@[a-z0-9.-]*",
            id="something behind the match",
        ),
        pytest.param(
            MAIL,
            "ann@example.org\n",
            "must match the pattern .*@[a-z0-9.-]*",
            id="a line end behind the match",
        ),
        pytest.param(
            MAIL, "@" * 10_001, "must be at most 10000 characters", id="too long for a pattern"
        ),
        pytest.param(WHOLE, True, "must be a whole number", id="a boolean is no number"),
        pytest.param(WHOLE, 3.0, "must be a whole number", id="a double is no whole number"),
        pytest.param(WHOLE, "3", "must be a whole number", id="text is no number"),
        pytest.param(WHOLE, 2**63, "must fit into 64 bits", id="too large for devices"),
        pytest.param(WHOLE | {"minValue": 30}, 29, "must be at least 30", id="below the least"),
        pytest.param(WHOLE | {"maxValue": 360}, 361, "must be at most 360", id="above the most"),
        pytest.param(NUMBER, False, "must be a number", id="false is no number"),
        pytest.param(NUMBER, math.nan, "must be a number", id="not a number"),
        pytest.param(NUMBER, math.inf, "must be a number", id="infinite"),
        pytest.param(
            NUMBER | {"maxPrecision": 1}, 0.25, "must have at most 1 decimal places", id="too fine"
        ),
        pytest.param(
            NUMBER | {"minPrecision": 2},
            0.5,
            "must have at least 2 decimal places (zeros at the end do not count)",
            id="too coarse",
        ),
        pytest.param(YES_OR_NO, 1, "must be true or false", id="1 is not true"),
        pytest.param(YES_OR_NO, "true", "must be true or false", id="text is not true"),
        pytest.param(TEXT | LEVELS, "trace", "must be one of debug, info", id="no such option"),
        pytest.param(
            TEXT | LEVELS | {"multiselect": True}, "info", "must be a list", id="one, not a list"
        ),
        pytest.param(
            TEXT | LEVELS | {"multiselect": True},
            ["info", "trace"],
            "has an item, number 2, that must be one of debug, info",
            id="one of the options does not exist",
        ),
        pytest.param(
            TEXT | {"dataType": "array[integer]"},
            [1, True],
            "has an item, number 2, that must be a whole number",
            id="a list with a stranger",
        ),
        pytest.param(
            TEXT | {"dataType": "array[string]"},
            ["a", ""],
            "has an item, number 2, that must not be empty",
            id="a list with an empty item",
        ),
        pytest.param(
            TEXT | {"dataType": "date"},
            "2026-01-01",
            "has the data type 'date', which this portal does not know",
            id="an unknown data type",
        ),
    ],
)
def test_a_value_that_breaks_its_schema_is_told_why(
    schema: dict[str, object], value: object, problem: str
) -> None:
    assert problem_with(schema, value) == problem


@given(st.decimals(-(10**9), 10**9, places=3).map(lambda number: number.normalize()))
def test_decimal_places_are_counted_as_people_count_them(number: Decimal) -> None:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    written = -min(exponent, 0)
    exact = NUMBER | {"maxPrecision": written, "minPrecision": written}
    assert problem_with(exact, float(number)) is None
    assert written == 0 or problem_with(NUMBER | {"maxPrecision": written - 1}, float(number))


@given(st.integers() | st.text() | st.booleans() | st.none() | st.floats() | st.lists(st.text()))
def test_any_value_gets_an_answer(value: object) -> None:
    for schema in (TEXT, WHOLE, NUMBER, YES_OR_NO, MAIL, TEXT | {"dataType": "array[double]"}):
        assert problem_with(schema, value) != ""


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        pytest.param(TEXT, " as typed ", " as typed ", id="text keeps its spaces"),
        pytest.param(TEXT, "", "", id="empty text"),
        pytest.param(WHOLE, " 30 ", 30, id="whole number"),
        pytest.param(WHOLE, "-3", -3, id="negative"),
        pytest.param(WHOLE, "", None, id="no number"),
        pytest.param(NUMBER, "0.5", 0.5, id="number"),
        pytest.param(NUMBER, " ", None, id="only a space"),
        pytest.param(YES_OR_NO, "on", True, id="ticked"),
        pytest.param(YES_OR_NO, [], False, id="not ticked"),
        pytest.param(TEXT | LEVELS, "info", "info", id="picked"),
        pytest.param(TEXT | LEVELS, ["info"], "info", id="picked from a form that sends lists"),
        pytest.param(
            TEXT | LEVELS | {"multiselect": True}, ["info", "debug"], ["info", "debug"], id="two"
        ),
        pytest.param(TEXT | {"dataType": "array[integer]"}, "1\n\n 2 \r\n", [1, 2], id="lines"),
        pytest.param(TEXT | {"dataType": "array[string]"}, "", [], id="no lines"),
    ],
)
def test_what_a_person_typed_becomes_the_data_type(
    schema: dict[str, object], typed: str | list[str], value: object
) -> None:
    result = read(schema, typed)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("schema", "typed", "sentence"),
    [
        pytest.param(WHOLE, "3.0", "must be a whole number", id="decimals"),
        pytest.param(WHOLE, "٣", "must be a whole number", id="other digits"),
        pytest.param(WHOLE, "9" * 5000, "must be a whole number", id="endless"),
        pytest.param(NUMBER, "0,5", "with a point for the decimals", id="a comma"),
        pytest.param(NUMBER, "nan", "must be a number", id="not a number"),
        pytest.param(YES_OR_NO, "perhaps", "must be true or false", id="neither"),
        pytest.param(TEXT | {"dataType": "date"}, "today", "does not know", id="unknown type"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    schema: dict[str, object], typed: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        read(schema, typed)
