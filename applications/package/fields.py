"""The members of one mapping, asked for by name; what nobody asked for is unknown and said so."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from applications.package.composer import PLACEHOLDER, shown
from applications.package.findings import Findings
from applications.package.tree import Json, ListNode, MapNode, Node, NumberError, Scalar, plain

EXTENSION = re.compile(r"x-[a-z][a-z0-9-]*-extensions")
LONGEST_TEXT = 10_000


class Rule(NamedTuple):
    """What a text must look like, as a pattern for us and as the rest of a sentence for people."""

    pattern: re.Pattern[str]
    sentence: str

    def holds(self, text: str) -> bool:
        return self.pattern.fullmatch(text) is not None


def rule(pattern: str, sentence: str) -> Rule:
    return Rule(re.compile(pattern, re.ASCII), sentence)


class Fields:
    """Reads the members of `node`, which stands at `path`, and puts what is wrong into `findings`.

    Every reader returns something usable even after an error, so that all errors of a file are
    found in one go.
    """

    def __init__(self, node: MapNode, path: str, findings: Findings) -> None:
        self.node = node
        self.path = path
        self.findings = findings
        self._asked: set[str] = set()

    def path_of(self, name: str) -> str:
        return f"{self.path}.{shown(name)}" if self.path else shown(name)

    def line_of(self, name: str) -> int:
        member = self.node.members.get(name)
        return member.line if member else self.node.line

    def error(self, name: str, sentence: str) -> None:
        self.findings.error(self.line_of(name), self.path_of(name), sentence)

    def warn(self, name: str, sentence: str) -> None:
        self.findings.warn(self.line_of(name), self.path_of(name), sentence)

    def breach(self, name: str, sentence: str) -> None:
        self.findings.breach(self.line_of(name), self.path_of(name), sentence)

    def has(self, name: str) -> bool:
        """Whether the member is there and is not null."""
        member = self.node.members.get(name)
        return member is not None and not _is_null(member.node)

    def value(self, name: str) -> Node | None:
        """The member's node, None when it is missing or null; from now on it counts as known."""
        self._asked.add(name)
        return self.node.members[name].node if self.has(name) else None

    def require(self, name: str) -> None:
        """An error when the member is missing, at the line of its misspelling if there is one."""
        if not self.has(name):
            self._missing(name)

    def text(self, name: str, *, required: bool = False, longest: int = LONGEST_TEXT) -> str:
        """The member exactly as written (`version: 1.10` is "1.10"), or "" when there is none."""
        node = self.value(name)
        if node is None:
            if required:
                self._missing(name)
            return ""
        if not isinstance(node, Scalar):
            self.error(name, f"must be text, not {_kind(node)}.")
            return ""
        self._check_text(name, node.text, required=required, longest=longest)
        return node.text

    def checked(self, name: str, expected: Rule, *, required: bool = False) -> str:
        """A text that breaks today's rules when it is there and does not look as expected."""
        text = self.text(name, required=required)
        if text and not expected.holds(text) and not _is_placeholder(text):
            self.breach(name, expected.sentence)
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        node = self.value(name)
        if node is None:
            return default
        answer = self._plain(node, self.path_of(name))
        if not isinstance(answer, bool):
            self.error(name, "must be true or false.")
            return default
        return answer

    def map(self, name: str, *, required: bool = False) -> "Fields | None":
        """The members of a member that is a mapping itself."""
        node = self.value(name)
        if node is None:
            if required:
                self._missing(name)
            return None
        return self._map_at(node, self.path_of(name))

    def items(self, name: str, *, required: bool = False) -> Iterator[tuple[Node, str]]:
        """The items of a list with their paths; a required list has at least one."""
        node = self.value(name)
        if node is None:
            if required:
                self._missing(name)
            return
        if not isinstance(node, ListNode):
            self.error(name, f"must be a list, not {_kind(node)}.")
            return
        if required and not node.items:
            self.error(name, "must not be empty.")
        for index, item in enumerate(node.items):
            yield item, f"{self.path_of(name)}[{index}]"

    def maps(self, name: str, *, required: bool = False) -> "Iterator[Fields]":
        """The items of a list of mappings."""
        for node, path in self.items(name, required=required):
            found = self._map_at(node, path)
            if found is not None:
                yield found

    def texts(self, name: str, *, required: bool = False) -> list[str]:
        """The items of a list of texts."""
        found = []
        for node, path in self.items(name, required=required):
            if isinstance(node, Scalar) and node.text:
                found.append(node.text)
            else:
                self.findings.error(node.line, path, "must be text.")
        return found

    def members(self) -> "Iterator[tuple[str, Fields]]":
        """The members of a mapping whose names are the author's own, each a mapping itself."""
        for name, member in self.node.members.items():
            self._asked.add(name)
            found = self._map_at(member.node, self.path_of(name))
            if found is not None:
                yield name, found

    def data(self, name: str) -> Json:
        """The member as plain data of whatever type it has."""
        node = self.value(name)
        return None if node is None else self._plain(node, self.path_of(name))

    def plain_item(self, node: Node, path: str) -> Json:
        """An item of a list as plain data."""
        return self._plain(node, path)

    def extensions(self) -> dict[str, Json]:
        """The vendor extensions here, kept whatever they hold (Margo: specification extensions)."""
        found = {}
        for name in self.node.members:
            if EXTENSION.fullmatch(name):
                found[name] = self.data(name)
                if not isinstance(found[name], dict):
                    self.breach(name, "must be a mapping, as every extension.")
        return found

    def unknown(self, *, kept: bool = False) -> dict[str, Json]:
        """The members that nobody asked for, each with a warning."""
        names = [name for name in self.node.members if name not in self._asked]
        outcome = "it is kept as it is" if kept else "it is ignored"
        for name in names:
            self.warn(name, f"is not known to the specification; {outcome}.")
        return {name: self.data(name) for name in names} if kept else {}

    def _check_text(self, name: str, text: str, *, required: bool, longest: int) -> None:
        if required and not text.strip():
            self.error(name, "must not be empty.")
        elif _is_placeholder(text):
            self.error(name, f"{shown(text)} is a placeholder that nobody has filled in.")
        elif len(text) > longest:
            self.error(name, f"must have at most {longest} characters.")

    def _missing(self, name: str) -> None:
        for misspelt in get_close_matches(name, self.node.members, n=1, cutoff=0.85):
            if misspelt != name:
                self._asked.add(misspelt)
                self.error(misspelt, f'is not known; probably "{name}" was meant.')
                return
        self.error(name, "is missing.")

    def _map_at(self, node: Node, path: str) -> "Fields | None":
        if isinstance(node, MapNode):
            return Fields(node, path, self.findings)
        self.findings.error(node.line, path, f"must be a mapping, not {_kind(node)}.")
        return None

    def _plain(self, node: Node, path: str) -> Json:
        try:
            return plain(node)
        except NumberError as error:
            self.findings.error(error.line, path, f"{error}.")
            return None


def _is_placeholder(text: str) -> bool:
    return PLACEHOLDER.fullmatch(text.strip()) is not None


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return "a single value"
    return "a list" if isinstance(node, ListNode) else "a mapping"
