"""Label expressions like `site=berlin, line in (1, 2), !retired`, read and turned into SQL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Exists, OuterRef, Q

from devices.models import DeviceLabel


class SelectorError(Exception):
    """The expression cannot be read, and where: one sentence."""


class Operator(StrEnum):
    """How a requirement looks at a label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label; all of a selector's must hold."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, Sequence[str]]) -> bool:
        """Whether these effective labels meet the requirement.

        NotIn is also met by a device without the label, as selectors do elsewhere.
        """
        present = labels.get(self.key)
        if self.operator is Operator.EXISTS:
            return present is not None
        if self.operator is Operator.DOES_NOT_EXIST:
            return present is None
        hit = any(value in self.values for value in present or ())
        return hit if self.operator is Operator.IN else not hit


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark of the expression, and where it stands (counted from 1)."""

    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"""\s*(?:
        (?P<quoted>"[^"]*"|'[^']*')
      | (?P<mark>!=|==|=|!|\(|\)|,)
      | (?P<word>[^\s=!(),"']+)
    )""",
    re.VERBOSE,
)


def parse(text: str) -> list[Requirement]:
    """The requirements of an expression, joined by commas; raises SelectorError.

    Each is `key`, `!key`, `key=value`, `key!=value`, `key in (a, b)` or `key notin (a, b)`.
    Keys and values with other characters go in quotes.
    """
    tokens = _Tokens(list(_tokens(text)), len(text) + 1)
    requirements = [_requirement(tokens)]
    while not tokens.at_end():
        tokens.take_mark(",")
        requirements.append(_requirement(tokens))
    return requirements


def matching(text: str) -> Q:
    """The condition on Device for an expression; raises SelectorError."""
    condition = Q()
    for requirement in parse(text):
        condition &= _condition(requirement)
    return condition


def _condition(requirement: Requirement) -> Q:
    labels = DeviceLabel.objects.filter(device=OuterRef("pk"), key=requirement.key)
    if requirement.operator in {Operator.IN, Operator.NOT_IN}:
        labels = labels.filter(value__in=requirement.values)
    negative = requirement.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
    return ~Q(Exists(labels)) if negative else Q(Exists(labels))


class _Tokens:
    """The tokens of an expression, taken one by one."""

    def __init__(self, tokens: list[Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._next = 0

    def at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def peek(self) -> Token:
        return Token("end", "the end", self._end) if self.at_end() else self._tokens[self._next]

    def take(self) -> Token:
        token = self.peek()
        self._next += 1
        return token

    def take_mark(self, mark: str) -> None:
        token = self.take()
        if (token.kind, token.text) != ("mark", mark):
            raise SelectorError(f"Expected “{mark}” at position {token.at}, found {token.text}.")

    def take_name(self, what: str) -> str:
        token = self.take()
        if token.kind not in {"word", "quoted"} or not token.text:
            raise SelectorError(f"Expected {what} at position {token.at}, found {token.text}.")
        return token.text


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while text[position:].strip():
        match = _TOKENS.match(text, position)
        if match is None:
            raise SelectorError(f"The quote that begins at position {position + 1} does not end.")
        kind = str(match.lastgroup)
        found = match[kind]
        yield Token(kind, found[1:-1] if kind == "quoted" else found, match.start(kind) + 1)
        position = match.end()


def _requirement(tokens: _Tokens) -> Requirement:
    if (tokens.peek().kind, tokens.peek().text) == ("mark", "!"):
        tokens.take()
        return Requirement(tokens.take_name("a label"), Operator.DOES_NOT_EXIST)
    key = tokens.take_name("a label")
    following = tokens.peek()
    if following.kind == "mark" and following.text in {"=", "==", "!="}:
        tokens.take()
        operator = Operator.NOT_IN if following.text == "!=" else Operator.IN
        return Requirement(key, operator, (tokens.take_name("a value"),))
    if following.kind == "word" and following.text.lower() in {"in", "notin"}:
        tokens.take()
        operator = Operator.IN if following.text.lower() == "in" else Operator.NOT_IN
        return Requirement(key, operator, _values(tokens))
    return Requirement(key, Operator.EXISTS)


def _values(tokens: _Tokens) -> tuple[str, ...]:
    tokens.take_mark("(")
    values = [tokens.take_name("a value")]
    while tokens.peek().text == ",":
        tokens.take()
        values.append(tokens.take_name("a value"))
    tokens.take_mark(")")
    return tuple(values)
