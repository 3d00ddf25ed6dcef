"""Whether a value obeys an entry of a package's configuration schema, and how it is typed in."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import regex

Schema = Mapping[str, object]

ARRAY = re.compile(r"array\[(string|integer|double|boolean)\]")
DECIMAL_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,30}", re.ASCII)
TICKED = frozenset({"on", "true", "yes", "1"})
UNTICKED = frozenset({"", "off", "false", "no", "0"})

# A pattern comes from a package and runs in our process: text and time are bounded, so that an
# exponential one does no harm.
PATTERN_TEXT_LIMIT = 10_000
PATTERN_SECONDS = 0.5


def problem_with(schema: Schema, value: object) -> str | None:
    """Say what is wrong with `value` as the rest of a sentence: "must be at most 45 characters".

    `schema` is one entry of `configuration.schema`. `allowEmpty: true` means that the value may be
    empty, as in the published examples, although its description says the opposite; without it an
    empty value is refused. Numbers are compared as they are: `3` is a valid double, `3.0` is no
    integer, true and false are neither (Margo: application description data model).
    """
    if is_empty(value):
        return None if may_be_empty(schema) else "must not be empty"
    if takes_list(schema):
        return _list_problem(schema, value)
    return _item_problem(schema, value)


def is_empty(value: object) -> bool:
    """Nothing, an empty text or an empty list; 0 and false are values."""
    return value is None or value in ("", [], ())


def may_be_empty(schema: Schema) -> bool:
    return schema.get("allowEmpty") is True


def takes_list(schema: Schema) -> bool:
    """Several values: an array type, or a selection that allows more than one."""
    return schema.get("multiselect") is True or _is_array(schema)


def item_type(schema: Schema) -> str:
    """The data type of the value, or of each of its items when the schema takes a list."""
    written = str(schema.get("dataType", "")).strip()
    array = ARRAY.fullmatch(written)
    return array[1] if array else written


def options_of(schema: Schema) -> tuple[str, ...]:
    """The allowed answers of a selection as text; empty when the schema is no selection."""
    options = schema.get("options")
    return tuple(_written(option) for option in options) if isinstance(options, list) else ()


def limit_of(schema: Schema, rule: str) -> float | None:
    """One of the schema's limits, such as `maxLength`; one that is no number limits nothing."""
    limit = schema.get(rule)
    if not isinstance(limit, int | float) or isinstance(limit, bool) or not _is_finite(limit):
        return None
    return limit


def read(schema: Schema, text: str | Sequence[str]) -> object:
    """Turn what a person typed, ticked or picked into the schema's data type, limits unchecked.

    An empty answer becomes "" for text, [] for a list and None for a number. Raises ValueError with
    the rest of a sentence, like `problem_with`.
    """
    if takes_list(schema):
        answers = text.splitlines() if isinstance(text, str) else text
        typed = [answer.strip() for answer in answers if answer.strip()]
        return [_read_item(schema, answer) for answer in typed]
    if not isinstance(text, str):
        text = text[-1] if text else ""
    return _read_item(schema, text)


def _read_item(schema: Schema, text: str) -> object:
    reader = READERS.get(item_type(schema))
    if reader is None:
        raise ValueError(_unknown_type(schema))
    return reader(text)


def _read_integer(text: str) -> int | None:
    typed = text.strip()
    if not typed:
        return None
    if not WHOLE_NUMBER.fullmatch(typed):
        raise ValueError("must be a whole number")
    return int(typed)


def _read_double(text: str) -> float | None:
    typed = text.strip()
    if not typed:
        return None
    if not DECIMAL_NUMBER.fullmatch(typed):
        raise ValueError("must be a number with a point for the decimals, such as 0.5")
    return float(typed)


def _read_boolean(text: str) -> bool:
    typed = text.strip().lower()
    if typed not in TICKED | UNTICKED:
        raise ValueError("must be true or false")
    return typed in TICKED


READERS: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "integer": _read_integer,
    "double": _read_double,
    "boolean": _read_boolean,
}


def _list_problem(schema: Schema, value: object) -> str | None:
    if not isinstance(value, list | tuple):
        return "must be a list"
    for position, item in enumerate(value, start=1):
        problem = "must not be empty" if is_empty(item) else _item_problem(schema, item)
        if problem:
            return f"has an item, number {position}, that {problem}"
    return None


def _item_problem(schema: Schema, value: object) -> str | None:
    check = CHECKS.get(item_type(schema))
    if check is None:
        return _unknown_type(schema)
    return check(schema, value) or _choice_problem(schema, value)


def _string_problem(schema: Schema, value: object) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    # Neither a database nor a YAML document can carry these two.
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return "must not contain characters that cannot be stored"
    return _length_problem(schema, value) or _pattern_problem(schema, value)


def _length_problem(schema: Schema, value: str) -> str | None:
    shortest, longest = limit_of(schema, "minLength"), limit_of(schema, "maxLength")
    if shortest is not None and len(value) < shortest:
        return f"must be at least {shortest} characters"
    if longest is not None and len(value) > longest:
        return f"must be at most {longest} characters"
    return None


def _pattern_problem(schema: Schema, value: str) -> str | None:
    """The pattern must match the whole text.

    The standard only says "match". Of its examples `.*@[a-z0-9.-]*` would accept anything after the
    address if a part were enough, and the others are anchored, so the whole text it is.
    """
    pattern = schema.get("regexMatch")
    if not isinstance(pattern, str):
        return None
    if len(value) > PATTERN_TEXT_LIMIT:
        return f"must be at most {PATTERN_TEXT_LIMIT} characters"
    try:
        matches = regex.fullmatch(pattern, value, regex.ASCII, timeout=PATTERN_SECONDS)
    except TimeoutError:
        return f"takes too long to be checked against the pattern {pattern}"
    except (regex.error, RecursionError, OverflowError):
        # Told at the import; what cannot be checked must not stand in the way for good.
        return None
    return None if matches else f"must match the pattern {pattern}"


def _integer_problem(schema: Schema, value: object) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be a whole number"
    return _range_problem(schema, value)


def _double_problem(schema: Schema, value: object) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not _is_finite(value):
        return "must be a number"
    return _range_problem(schema, value) or _precision_problem(schema, value)


def _range_problem(schema: Schema, value: float) -> str | None:
    least, most = limit_of(schema, "minValue"), limit_of(schema, "maxValue")
    if least is not None and value < least:
        return f"must be at least {least}"
    if most is not None and value > most:
        return f"must be at most {most}"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "must fit into 64 bits"
    return None


def _precision_problem(schema: Schema, value: float) -> str | None:
    least, most = limit_of(schema, "minPrecision"), limit_of(schema, "maxPrecision")
    decimals = _decimals(value)
    if least is not None and decimals < least:
        return f"must have at least {least} decimal places (zeros at the end do not count)"
    if most is not None and decimals > most:
        return f"must have at most {most} decimal places"
    return None


def _decimals(value: float) -> int:
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _boolean_problem(_schema: Schema, value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


CHECKS: Mapping[str, Callable[[Schema, object], str | None]] = {
    "string": _string_problem,
    "integer": _integer_problem,
    "double": _double_problem,
    "boolean": _boolean_problem,
}


def _choice_problem(schema: Schema, value: object) -> str | None:
    options = options_of(schema)
    if not options or _written(value) in options:
        return None
    return f"must be one of {', '.join(options)}"


def _written(value: object) -> str:
    """A value as a package's author writes it in a list of options."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _is_array(schema: Schema) -> bool:
    return ARRAY.fullmatch(str(schema.get("dataType", "")).strip()) is not None


def _unknown_type(schema: Schema) -> str:
    return f"has the data type {schema.get('dataType')!r}, which this portal does not know"
