"""What a profile asks of a device and a schema of a value, as people read it; pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

Json = Mapping[str, object]

COMPARISONS = {
    "In": "must be {values}",
    "NotIn": "must not be {values}",
    "Gt": "must be above {values}",
    "Lt": "must be below {values}",
    "Exists": "must be reported",
    "DoesNotExist": "must not be reported",
}
ITEMS = {"ContainsAll": "must include every one of", "ContainsAny": "must include one of"}
QUANTITY = re.compile(r"([0-9.]+)\s*([A-Za-z]+)")


def profile_needs(profile: Json) -> list[str]:
    """The demands of a profile, a sentence each; empty when any device will do."""
    constraints = _mapping(profile.get("deviceConstraints"))
    capacity = _mapping(constraints.get("capacityRequirements"))
    return [*_capacity(capacity), *_rules(constraints.get("eligibilityRules"))]


def value_limits(schema: Json) -> list[str]:
    """The limits of a schema, a short phrase each, in the order of reading."""
    return [
        *_range("characters", schema.get("minLength"), schema.get("maxLength")),
        *_range("", schema.get("minValue"), schema.get("maxValue")),
        *_range("decimal places", schema.get("minPrecision"), schema.get("maxPrecision")),
        *_options(schema),
        *_pattern(schema),
        *(["must not be empty"] if schema.get("allowEmpty") is False else []),
    ]


def _capacity(capacity: Json) -> Iterator[str]:
    cpu = _mapping(capacity.get("cpu"))
    if cores := cpu.get("cores"):
        architectures = _texts(cpu.get("architectures"))
        kinds = f" ({either(architectures)})" if architectures else ""
        yield f"At least {_count(cores)} CPU {'core' if cores == 1 else 'cores'}{kinds}"
    for name in ("memory", "storage"):
        if amount := capacity.get(name):
            yield f"At least {QUANTITY.sub(_with_unit, str(amount))} of {name}"


def _rules(rules: object) -> Iterator[str]:
    """The eligibility rules: one of them must hold (Margo: device matching)."""
    sentences = [_rule(one) for one in rules if isinstance(one, dict)] if _is_list(rules) else []
    if len(sentences) == 1:
        yield f"Its {sentences[0]}"
    elif sentences:
        yield "One of these: its " + "; or its ".join(sentences)


def _rule(rule: Json) -> str:
    said = [
        *(_expression(one, "") for one in _expressions(rule.get("propertySelector"))),
        *(_expression(one, "label ") for one in _expressions(rule.get("labelSelector"))),
    ]
    return " and its ".join(said) or "description may be anything"


def _expression(expression: Json, kind: str) -> str:
    key = _key(str(expression.get("key", "")), kind)
    operator = str(expression.get("operator", ""))
    if operator in ITEMS:
        items = [_item(one) for one in _expressions(expression.get("itemSelector"))]
        return f"{key} {ITEMS[operator]}: {', '.join(items)}"
    words = COMPARISONS.get(operator, operator)
    return f"{key} {words.format(values=either(_texts(expression.get('values'))))}"


def _item(expression: Json) -> str:
    """A demand on an item of a list; the usual one is just “type ethernet”."""
    if expression.get("operator") != "In":
        return _expression(expression, "")
    return f"{_key(str(expression.get('key')), '')} {either(_texts(expression.get('values')))}"


def _key(key: str, kind: str) -> str:
    """A JSON pointer in words: /supportedRuntimes is “supported runtimes”; labels as they are."""
    if kind:
        return f"{kind}{key}"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key.strip("/")).replace("/", ", ")
    return words.lower()


def _with_unit(amount: re.Match[str]) -> str:
    return f"{amount[1]} {amount[2]}B"


def _range(unit: str, least: object, most: object) -> Iterator[str]:
    end = f" {unit}" if unit else ""
    if least is not None and most is not None:
        yield f"{_count(least)} to {_count(most)}{end}"
    elif least is not None:
        yield f"at least {_count(least)}{end}"
    elif most is not None:
        yield f"at most {_count(most)}{end}"


def _options(schema: Json) -> Iterator[str]:
    if options := _texts(schema.get("options")):
        several = "any of" if schema.get("multiselect") else "one of"
        yield f"{several} {', '.join(options)}"


def _pattern(schema: Json) -> Iterator[str]:
    if pattern := schema.get("regexMatch"):
        yield f"matches {pattern}"


def either(words: list[str]) -> str:
    """a, b or c."""
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _count(number: object) -> str:
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _expressions(selector: object) -> list[Json]:
    found = _mapping(selector).get("matchExpressions")
    return [one for one in found if isinstance(one, dict)] if _is_list(found) else []


def _texts(values: object) -> list[str]:
    return [_text(value) for value in values] if isinstance(values, list) else []


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else _count(value)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list)


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}
