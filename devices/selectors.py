"""Label selectors, with the grammar of Kubernetes: `site=berlin, line in (1, 2), !retired`.

A label may have several values; a requirement is met when one of them meets it, and `!=` and
`notin` when none of them is excluded (so also by a device without the label). The same selector
has two answers that must be the same: `Requirement.met_by` in memory, `matching` in SQL.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from devices.models import DeviceLabel

#: A longer selector is refused: it would cost everybody, and nobody could read it.
MAX_CHARACTERS = 2000
#: So is one with more requirements than this.
MAX_REQUIREMENTS = 50


class SelectorError(ValueError):
    """The selector cannot be read; the message names the position of what is wrong, or its size."""


class Operator(StrEnum):
    """How a requirement looks at the values of its label."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    MISSING = "!"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label; `a=b` is `a in (b)`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def met_by(self, labels: Mapping[str, Sequence[str]]) -> bool:
        """Whether a device with these labels meets it."""
        present = labels.get(self.key, ())
        if self.operator is Operator.EXISTS:
            return bool(present)
        if self.operator is Operator.MISSING:
            return not present
        found = any(value in self.values for value in present)
        return found is (self.operator is Operator.IN)

    def condition(self) -> Q:
        """The same in SQL, over devices."""
        rows = DeviceLabel.objects.filter(key=self.key)
        if self.values:
            rows = rows.filter(value__in=self.values)
        # Not Exists: asked once per device, it reads every row of the key each time.
        found = Q(pk__in=rows.values("device"))
        return found if self.operator in {Operator.IN, Operator.EXISTS} else ~found


TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<sign>==|!=|=|!|,|\(|\))
      | (?P<word>[^\s,=!()"]+)
    )""",
    re.VERBOSE,
)
END = "the end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the selector: `kind` is quoted, sign, word or end; positions count from 1."""

    kind: str
    text: str
    position: int

    def is_sign(self, *texts: str) -> bool:
        """Whether it is one of these signs (not the same text in quotes)."""
        return self.kind == "sign" and self.text in texts

    def is_text(self) -> bool:
        """Whether it can be a key or a value."""
        return self.kind in {"quoted", "word"}

    def refuse(self, wanted: str) -> SelectorError:
        """The error that names what should stand here."""
        found = END if self.kind == "end" else f"“{self.text}”"
        return SelectorError(f"Position {self.position}: {wanted} is expected, not {found}.")


class _Reader:
    """Takes the tokens one by one."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0

    def peek(self) -> Token:
        return self._tokens[self._next]

    def take(self) -> Token:
        token = self.peek()
        self._next += token.kind != "end"
        return token

    def text(self, wanted: str) -> str:
        token = self.take()
        if not token.is_text():
            raise token.refuse(wanted)
        return token.text

    def sign(self, *texts: str, wanted: str) -> Token:
        token = self.take()
        if not token.is_sign(*texts):
            raise token.refuse(wanted)
        return token


def parse(text: str) -> list[Requirement]:
    """The requirements of a selector, all of which must be met; none for an empty one.

    Raises SelectorError with a sentence that names the position, or the bound that it exceeds.
    """
    if len(text) > MAX_CHARACTERS:
        raise SelectorError(f"A selector has at most {MAX_CHARACTERS} characters.")
    if "\0" in text:
        place = text.index("\0") + 1
        raise SelectorError(f"Position {place}: a selector has no null characters.")
    reader = _Reader(text)
    if reader.peek().kind == "end":
        return []
    found = [_requirement(reader)]
    while reader.peek().kind != "end":
        reader.sign(",", wanted="a comma")
        found.append(_requirement(reader))
    if len(found) > MAX_REQUIREMENTS:
        raise SelectorError(f"A selector has at most {MAX_REQUIREMENTS} requirements.")
    return found


def matching(text: str) -> Q:
    """The selector as a condition over devices; raises SelectorError."""
    found = Q()
    for requirement in parse(text):
        found &= requirement.condition()
    return found


def tokens(text: str) -> list[Token]:
    """The pieces of the text, closed by one of kind `end`; raises SelectorError."""
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None:
            start = len(text) - len(text[position:].lstrip())
            raise SelectorError(f"Position {start + 1}: the quotation mark is never closed.")
        kind = str(match.lastgroup)
        found.append(Token(kind, _plain(match[kind], kind), match.start(kind) + 1))
        position = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def _plain(text: str, kind: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "quoted" else text


def _requirement(reader: _Reader) -> Requirement:
    if reader.peek().is_sign("!"):
        reader.take()
        return Requirement(reader.text("the name of a label"), Operator.MISSING)
    key = reader.text("the name of a label")
    token = reader.peek()
    if token.is_sign("=", "==", "!="):
        operator = Operator.NOT_IN if reader.take().text == "!=" else Operator.IN
        return Requirement(key, operator, (reader.text("a value"),))
    if token.kind == "word" and token.text in {"in", "notin"}:
        return Requirement(key, Operator(reader.take().text), _values(reader))
    return Requirement(key, Operator.EXISTS)


def _values(reader: _Reader) -> tuple[str, ...]:
    reader.sign("(", wanted="an opening bracket")
    found = [reader.text("a value")]
    while reader.sign(",", ")", wanted="a comma or a closing bracket").text == ",":
        found.append(reader.text("a value"))
    return tuple(found)
