"""Turns the bytes of a YAML document into a tree of nodes, and refuses what could do harm.

The tree is built from parser events without recursion, so deep nesting costs a sentence and not the
stack. Aliases are followed, but every value they repeat is counted again: a "billion laughs" file
runs out of its budget long before it runs out of memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from applications.package.findings import Finding, Findings, PackageError
from applications.package.tree import ListNode, MapNode, Member, Node, Scalar

MOST_BYTES = 1024 * 1024
DEEPEST = 50
# Each value costs this much and its characters; the budget is twice what a full file may weigh.
COST_OF_A_VALUE = 50
BUDGET = 2 * MOST_BYTES
LONGEST_NAME_SHOWN = 60

# Tab, line feed, carriage return and next line are white space; the rest cannot be stored or shown.
UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
PLACEHOLDER = re.compile(r"\{\{.*?\}\}")

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(raw: bytes, findings: Findings) -> Node:
    """The document's root node. Raises PackageError; nothing else, whatever the bytes are."""
    composer = Composer(findings)
    text = decode(raw)
    for event in _events(text):
        composer.take(event)
    findings.refuse_errors()
    if composer.root is None:
        raise PackageError([Finding(1, "", "the file is empty.")])
    return composer.root


def decode(raw: bytes) -> str:
    """The text of a UTF-8 file, with or without a byte order mark. Raises PackageError."""
    if len(raw) > MOST_BYTES:
        raise PackageError([Finding(1, "", "the description is larger than 1 MiB.")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PackageError([Finding(line, "", "the text is not UTF-8.")]) from None
    if unwanted := UNWANTED.search(text):
        line = text.count("\n", 0, unwanted.start()) + 1
        raise PackageError([Finding(line, "", f"contains {_code_point(unwanted)}.")])
    return text


def _code_point(unwanted: re.Match[str]) -> str:
    return f"the control character U+{ord(unwanted[0]):04X}, which a description cannot hold"


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise PackageError([_syntax_finding(error, text)]) from None


def _syntax_finding(error: yaml.YAMLError, text: str) -> Finding:
    mark = getattr(error, "problem_mark", None)
    index = mark.line if mark else 0
    problem = getattr(error, "problem", None) or "it is no YAML"
    sentence = f"the YAML cannot be read here: {problem}."
    lines = text.split("\n")
    if index < len(lines) and (placeholder := PLACEHOLDER.search(lines[index])):
        sentence += f" The line holds {placeholder[0]}, a placeholder that nobody has filled in."
    return Finding(index + 1, "", sentence)


@dataclass
class Frame:
    """A list or mapping that is still open."""

    line: int
    anchor: str | None
    is_map: bool
    cost_before: int
    items: list[Node] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    key: Scalar | None = None

    @property
    def step(self) -> str:
        """The part of a field path that leads from here to the value being read."""
        if not self.is_map:
            return f"[{len(self.items)}]"
        return "" if self.key is None else f".{shown(self.key.text)}"

    def closed(self) -> Node:
        if self.is_map:
            return MapNode(self.members, self.line)
        return ListNode(tuple(self.items), self.line)


class Composer:
    """Takes the events of a document one by one; `root` is the tree when they are through."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.root: Node | None = None
        self.frames: list[Frame] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.cost = 0
        self.documents = 0

    @property
    def path(self) -> str:
        return "".join(frame.step for frame in self.frames).removeprefix(".")

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(line)
        elif isinstance(event, yaml.AliasEvent):
            self._repeat(event.anchor or "", line)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.frames.pop()
            self._place(frame.closed(), frame.anchor, self.cost - frame.cost_before)

    def _start_document(self, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            self._stop(line, "a second document begins here; a description is one document.")

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        self._check_tag(event.tag, line)
        text = event.value
        if unwanted := UNWANTED.search(text):
            self.findings.error(line, self.path, f"contains {_code_point(unwanted)}.")
        plain = event.implicit[0] and event.style in (None, "")
        self._spend(COST_OF_A_VALUE + len(text), line)
        self._place(Scalar(text, plain, line), event.anchor, COST_OF_A_VALUE + len(text))

    def _open(self, event: yaml.CollectionStartEvent, line: int) -> None:
        self._check_tag(event.tag, line)
        if len(self.frames) >= DEEPEST:
            self._stop(line, f"the nesting is deeper than {DEEPEST} levels.")
        is_map = isinstance(event, yaml.MappingStartEvent)
        self.frames.append(Frame(line, event.anchor, is_map, self.cost))
        self._spend(COST_OF_A_VALUE, line)

    def _repeat(self, anchor: str, line: int) -> None:
        if anchor not in self.anchors:
            self._stop(line, f"the alias *{shown(anchor)} names nothing that is complete above it.")
        node, cost = self.anchors[anchor]
        self._spend(cost, line)
        self._place(node, None, cost)

    def _place(self, node: Node, anchor: str | None, cost: int) -> None:
        """Puts a complete node where it belongs: the root, a list, a mapping's key or its value."""
        if anchor is not None:
            self.anchors[anchor] = (node, cost)
        if not self.frames:
            self.root = node
        elif not self.frames[-1].is_map:
            self.frames[-1].items.append(node)
        elif self.frames[-1].key is None:
            self.frames[-1].key = self._as_key(node)
        else:
            self._place_value(self.frames[-1], self.frames[-1].key, node)

    def _place_value(self, frame: Frame, key: Scalar, node: Node) -> None:
        earlier = frame.members.get(key.text)
        if earlier:
            where = f"line {earlier.line}"
            self.findings.error(key.line, self.path, f"is given twice, first in {where}.")
        if key.plain and key.text == "<<":
            self.findings.error(key.line, self.path, "merge keys are no part of a description.")
        frame.members.setdefault(key.text, Member(node, key.line))
        frame.key = None

    def _as_key(self, node: Node) -> Scalar:
        """The key itself; a list or a mapping as a key is a finding, most often a placeholder."""
        if isinstance(node, Scalar):
            return node
        self.findings.error(node.line, self.path, _why_no_key(node))
        return Scalar("?", plain=False, line=node.line)

    def _check_tag(self, tag: str | None, line: int) -> None:
        if tag is not None:
            sentence = f"the tag {shown(tag)} is refused; a description is plain data."
            self.findings.error(line, self.path, sentence)

    def _spend(self, cost: int, line: int) -> None:
        self.cost += cost
        if self.cost > BUDGET:
            self._stop(line, "the description holds more values than any real one.")

    def _stop(self, line: int, sentence: str) -> None:
        raise PackageError([*self.findings.errors, Finding(line, self.path, sentence)])


def _why_no_key(node: ListNode | MapNode) -> str:
    if isinstance(node, MapNode) and len(node.members) == 1:
        name, member = next(iter(node.members.items()))
        if isinstance(member.node, Scalar) and member.node.is_null:
            return f"{{{{{shown(name)}}}}} is a placeholder that nobody has filled in."
    return "a list or a mapping cannot be the name of a member."


def shown(text: str) -> str:
    """A name from the file as a sentence shows it: short, and on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_NAME_SHOWN else f"{line[:LONGEST_NAME_SHOWN]}…"
