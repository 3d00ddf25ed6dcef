"""A package's eligibility rules: selectors over what a device reports about itself."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

Json = Mapping[str, object]

INDEX = re.compile(r"0|[1-9][0-9]*", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
BROKEN_ESCAPE = re.compile(r"~(?![01])")


class Absent:
    """The type of ABSENT, which tells a missing key from one that holds null."""


ABSENT = Absent()


@dataclass(frozen=True)
class Expression:
    """One match expression with what its key leads to on this device."""

    key: str
    operator: str
    values: Sequence[object]
    items: Sequence[Json]
    found: object
    valid: bool


def unmet(rules: object, properties: Json, labels: Json) -> list[str]:
    """What keeps a device from being eligible, as sentences; nothing when one of the rules is met.

    Rules are alternatives; within a rule both selectors count and within a selector all
    expressions. No rules, or an empty list of them, constrain nothing (Margo: application
    description, eligibility rules).
    """
    alternatives = [_failures(rule, properties, labels) for rule in _mappings(rules)]
    if not alternatives or not all(alternatives):
        return []
    if len(alternatives) == 1:
        return alternatives[0]
    rules_in_words = (" and ".join(failures) for failures in alternatives)
    return [f"meets none of {len(alternatives)} alternatives: {'; or '.join(rules_in_words)}"]


def resolve_pointer(document: object, pointer: str) -> object:
    """What a JSON Pointer (RFC 6901) leads to in a document, ABSENT when there is nothing.

    Raises ValueError for a text that is no JSON Pointer.
    """
    if BROKEN_ESCAPE.search(pointer) or (pointer and not pointer.startswith("/")):
        raise ValueError(f"“{pointer}” is not a JSON Pointer")
    for token in pointer.split("/")[1:]:
        document = _step(document, token.replace("~1", "/").replace("~0", "~"))
    return document


def _step(document: object, token: str) -> object:
    if isinstance(document, Mapping):
        return document.get(token, ABSENT)
    if isinstance(document, list) and INDEX.fullmatch(token) and len(token) < 10:
        index = int(token)
        return document[index] if index < len(document) else ABSENT
    return ABSENT


def _failures(rule: Json, properties: Json, labels: Json) -> list[str]:
    by_property = (
        _by_pointer(written, properties) for written in _expressions(rule, "propertySelector")
    )
    by_label = (_by_label(written, labels) for written in _expressions(rule, "labelSelector"))
    return [
        *_unheld("property", by_property),
        *_unheld("label", by_label),
    ]


def _unheld(kind: str, expressions: Iterable[Expression]) -> list[str]:
    return [
        f"{_in_words(kind, expression)}, the device reports {_value_in_words(expression.found)}"
        for expression in expressions
        if not _holds(expression)
    ]


def _expressions(holder: Json, selector: str) -> list[Json]:
    chosen = holder.get(selector)
    return _mappings(chosen.get("matchExpressions")) if isinstance(chosen, Mapping) else []


def _by_pointer(written: Json, document: object) -> Expression:
    key = written.get("key")
    try:
        found = resolve_pointer(document, key) if isinstance(key, str) else ABSENT
    except ValueError:
        return _expression(written, ABSENT, valid=False)
    return _expression(written, found, valid=isinstance(key, str))


def _by_label(written: Json, labels: Json) -> Expression:
    key = written.get("key")
    found = labels.get(key, ABSENT) if isinstance(key, str) else ABSENT
    # Only properties may hold lists of objects.
    return _expression(written, found, valid=isinstance(key, str) and not _is_objects(found))


def _expression(written: Json, found: object, *, valid: bool) -> Expression:
    values = written.get("values")
    return Expression(
        key=str(written.get("key")),
        operator=str(written.get("operator")),
        values=values if isinstance(values, list) else (),
        items=_expressions(written, "itemSelector"),
        found=found,
        valid=valid and (values is None or isinstance(values, list)),
    )


def _holds(expression: Expression) -> bool:
    """A malformed expression holds for nothing: better no device than a wrong one."""
    if not expression.valid or expression.operator not in OPERATORS:
        return False
    if _is_objects(expression.found) and expression.operator not in ITEM_WORDS:
        return False
    if expression.found is not ABSENT and not _is_comparable(expression.found):
        return False
    return OPERATORS[expression.operator](expression)


def _is_in(expression: Expression) -> bool:
    return _are_of_one_type(expression.values) and _matches_one(expression)


def _is_not_in(expression: Expression) -> bool:
    known = expression.found is not ABSENT and _are_of_one_type(expression.values)
    return known and not _matches_one(expression)


def _exists(expression: Expression) -> bool:
    return not expression.values and expression.found is not ABSENT


def _does_not_exist(expression: Expression) -> bool:
    return not expression.values and expression.found is ABSENT


def _is_greater(expression: Expression) -> bool:
    found, bound = _both_numbers(expression)
    return found is not None and bound is not None and found > bound


def _is_less(expression: Expression) -> bool:
    found, bound = _both_numbers(expression)
    return found is not None and bound is not None and found < bound


def _contains_all(expression: Expression) -> bool:
    return _some_item(expression, all)


def _contains_any(expression: Expression) -> bool:
    return _some_item(expression, any)


OPERATORS: Mapping[str, Callable[[Expression], bool]] = {
    "In": _is_in,
    "NotIn": _is_not_in,
    "Exists": _exists,
    "DoesNotExist": _does_not_exist,
    "Gt": _is_greater,
    "Lt": _is_less,
    "ContainsAll": _contains_all,
    "ContainsAny": _contains_any,
}
ITEM_WORDS = {"ContainsAll": " and ", "ContainsAny": " or "}


def _some_item(expression: Expression, quantifier: Callable[[Iterable[bool]], bool]) -> bool:
    """One and the same item must satisfy all (or any) of the item expressions."""
    if not expression.items or expression.values or not isinstance(expression.found, list):
        return False
    return any(
        quantifier(_holds(_by_pointer(written, item)) for written in expression.items)
        for item in expression.found
    )


def _matches_one(expression: Expression) -> bool:
    found = expression.found if isinstance(expression.found, list) else [expression.found]
    return any(_equal(item, value) for item in found for value in expression.values)


def _equal(one: object, other: object) -> bool:
    """Equal as JSON scalars: 1 is 1.0, but true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _both_numbers(expression: Expression) -> tuple[float | None, float | None]:
    bound = _as_number(expression.values[0]) if len(expression.values) == 1 else None
    return _as_number(expression.found), bound


def _as_number(value: object) -> float | None:
    if isinstance(value, str) and len(value) < 100 and NUMBER.fullmatch(value):
        return float(value)
    return value if _is_number(value) else None


def _are_of_one_type(values: Sequence[object]) -> bool:
    if all(isinstance(value, str) for value in values) or all(map(_is_number, values)):
        return bool(values)
    return len(values) == 1 and isinstance(values[0], bool)


def _is_comparable(value: object) -> bool:
    if isinstance(value, list):
        texts_or_numbers = all(isinstance(item, str) for item in value) or all(
            map(_is_number, value)
        )
        return texts_or_numbers or _is_objects(value)
    return isinstance(value, str | bool) or _is_number(value)


def _is_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(i, Mapping) for i in value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mappings(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _in_words(kind: str, expression: Expression) -> str:
    if not expression.valid or expression.operator not in OPERATORS:
        return f"the package's rule about the {kind} {expression.key} is not valid"
    return f"the {kind} {expression.key} must {_demand(expression)}"


def _demand(expression: Expression) -> str:
    values = ", ".join(_value_in_words(value) for value in expression.values)
    if expression.operator in ITEM_WORDS:
        demands = (
            f"whose {item.key} must {_demand(item)}"
            for item in (_by_pointer(written, None) for written in expression.items)
        )
        return f"have an item {ITEM_WORDS[expression.operator].join(demands)}"
    demand = DEMANDS.get(expression.operator, "satisfy a rule that is not valid")
    return demand.format(values=values)


DEMANDS = {
    "In": "be one of {values}",
    "NotIn": "be reported and be none of {values}",
    "Exists": "be reported",
    "DoesNotExist": "not be reported",
    "Gt": "be greater than {values}",
    "Lt": "be less than {values}",
}


def _value_in_words(value: object) -> str:
    if value is ABSENT:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        text = ", ".join(map(_value_in_words, value)) or "an empty list"
    elif isinstance(value, Mapping):
        text = " ".join(f"{key} {_value_in_words(member)}" for key, member in value.items())
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
