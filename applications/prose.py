"""A package's plain or Markdown text as safe HTML: headings, lists, code and what is in a line.

Every character of the text is escaped; the few tags are ours. A link is made of a web address only.
"""

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEADING = re.compile(r"#{1,6}\s+(.*)")
ITEM = re.compile(r"\s*[-*]\s+(.*)")
FENCE = re.compile(r" {0,3}```[^`\n]*$")
#: So much of a text is shown, in characters; files of a package may be megabytes.
MOST_SHOWN = 100_000
#: Code, strong, emphasis, a link: in each, what stands between the marks. Every part is bounded, so
#: that no text takes long to read.
INLINE = re.compile(
    r"`(?P<code>[^`\n]{1,500})`"
    r"|\*\*(?P<strong>[^*\s][^*\n]{0,500})\*\*"
    r"|(?<![\w*])\*(?P<em>[^*\s][^*\n]{0,500})\*(?![\w*])"
    r"|\[(?P<words>[^\[\]\n]{1,500})\]\((?P<address>https?://[^\s()<>]{1,2000})\)"
)


def as_html(text: str) -> SafeString:
    """The text with its blocks marked up; every character of it is escaped."""
    shown = text[:MOST_SHOWN] + (" …" if len(text) > MOST_SHOWN else "")
    return format_html_join("", "{}", ((block,) for block in _parts(shown)))


def _parts(text: str) -> Iterator[SafeString]:
    """Code between fences as it is, also when the last fence is missing; the blocks around it."""
    gathered: list[str] = []
    fenced = False
    for line in text.replace("\r\n", "\n").split("\n"):
        if not FENCE.match(line):
            gathered.append(line)
            continue
        yield from _code(gathered) if fenced else _blocks("\n".join(gathered))
        gathered, fenced = [], not fenced
    yield from _code(gathered) if fenced else _blocks("\n".join(gathered))


def _code(lines: list[str]) -> Iterator[SafeString]:
    yield format_html('<pre class="code" tabindex="0">{}</pre>', "\n".join(lines))


def _blocks(text: str) -> Iterator[SafeString]:
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line for line in block.split("\n") if line.strip()]
        while lines and (heading := HEADING.match(lines[0])):
            yield format_html("<h3>{}</h3>", _line(heading[1]))
            lines = lines[1:]
        if lines:
            yield _list(lines) if ITEM.match(lines[0]) else _paragraph(lines)


def _paragraph(lines: list[str]) -> SafeString:
    return format_html("<p>{}</p>", _line(" ".join(line.strip() for line in lines)))


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
        "<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((_line(item),) for item in items))
    )


def _line(text: str) -> SafeString:
    """What is in a line: code, strong words, emphasis, links; one within another stays as it is."""
    return format_html_join("", "{}", ((piece,) for piece in _pieces(text)))


def _pieces(text: str) -> Iterator[SafeString | str]:
    done = 0
    for found in INLINE.finditer(text):
        yield text[done : found.start()]
        yield _marked(found)
        done = found.end()
    yield text[done:]


def _marked(found: re.Match[str]) -> SafeString:
    if found["code"]:
        return format_html("<code>{}</code>", found["code"])
    if found["strong"]:
        return format_html("<strong>{}</strong>", found["strong"])
    if found["em"]:
        return format_html("<em>{}</em>", found["em"])
    link = '<a href="{}" rel="noopener noreferrer">{}</a>'
    return format_html(link, found["address"], found["words"])
