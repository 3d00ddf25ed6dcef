"""A package's plain or Markdown text as safe HTML: headings, lists and paragraphs, nothing else."""

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEADING = re.compile(r"#{1,6}\s+(.*)")
ITEM = re.compile(r"\s*[-*]\s+(.*)")


def as_html(text: str) -> SafeString:
    """The text with its blocks marked up; every character of it is escaped."""
    return format_html_join("", "{}", ((block,) for block in _blocks(text)))


def _blocks(text: str) -> Iterator[SafeString]:
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = [line for line in block.split("\n") if line.strip()]
        while lines and (heading := HEADING.match(lines[0])):
            yield format_html("<h3>{}</h3>", heading[1])
            lines = lines[1:]
        if lines:
            yield _list(lines) if ITEM.match(lines[0]) else _paragraph(lines)


def _paragraph(lines: list[str]) -> SafeString:
    return format_html("<p>{}</p>", " ".join(line.strip() for line in lines))


def _list(lines: list[str]) -> SafeString:
    """A list; a line without a mark goes on where the one before it ended."""
    items: list[str] = []
    for line in lines:
        mark = ITEM.match(line)
        if mark:
            items.append(mark[1])
        else:
            items[-1] += f" {line.strip()}"
    return format_html(
        "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((item,) for item in items))
    )
