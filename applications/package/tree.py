"""The nodes of a read document, and the plain values they stand for."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

# YAML 1.2's core schema, not the 1.1 one of PyYAML: `on`, `yes`, `1:30`, `1_000` and `2026-11-23`
# stay text, and what stays text is JSON.
INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
OCTAL = re.compile(r"0o[0-7]+")
HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
# More digits than any 64-bit number, few enough for int() and float() to be quick.
MOST_DIGITS = 400


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it was written; `plain` when without quotes, so that it may be a number."""

    text: str
    plain: bool
    line: int

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in WORDS and WORDS[self.text] is None


@dataclass(frozen=True, slots=True)
class ListNode:
    items: "tuple[Node, ...]"
    line: int


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a mapping; `line` is the line of its key."""

    node: "Node"
    line: int


@dataclass(frozen=True, slots=True)
class MapNode:
    members: Mapping[str, Member]
    line: int


Node: TypeAlias = Scalar | ListNode | MapNode


class NumberError(ValueError):
    """A number that cannot be carried on; `str()` is the rest of a sentence."""

    def __init__(self, line: int, sentence: str) -> None:
        self.line = line
        super().__init__(sentence)


def plain(node: Node) -> Json:
    """The node as JSON-able data. Raises NumberError for a number beyond JSON or 64 bits."""
    if isinstance(node, Scalar):
        return resolved(node)
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return {name: plain(member.node) for name, member in node.members.items()}


def resolved(scalar: Scalar) -> None | bool | int | float | str:
    """The typed value of a scalar. Raises NumberError like `plain`."""
    text = scalar.text
    if not scalar.plain:
        return text
    if text in WORDS:
        return WORDS[text]
    if NOT_FINITE.fullmatch(text):
        raise NumberError(scalar.line, f"must be a finite number, not {text}")
    number = _number(scalar)
    return text if number is None else number


def _number(scalar: Scalar) -> int | float | None:
    text = scalar.text
    for pattern, base in ((INTEGER, 10), (OCTAL, 8), (HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return _integer(scalar, base)
    return _float(scalar) if FLOAT.fullmatch(text) else None


def _integer(scalar: Scalar, base: int) -> int:
    digits = scalar.text if base == 10 else scalar.text[2:]
    number = int(digits, base) if len(digits) <= MOST_DIGITS else math.inf
    if isinstance(number, int) and -(2**63) <= number < 2**63:
        return number
    raise NumberError(scalar.line, "must fit into 64 bits")


def _float(scalar: Scalar) -> float:
    number = float(scalar.text) if len(scalar.text) <= MOST_DIGITS else math.inf
    if math.isfinite(number):
        return number
    raise NumberError(scalar.line, "must be a number of reasonable size")
