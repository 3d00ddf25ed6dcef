"""How states, progress and times are shown on any page; all of it safe under the strict CSP.

It lives in the lowest app because lists and pages of every app are made with it; templates reach
it through the tags of `config/templatetags/portal.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class Looks(Protocol):
    """What a badge is made of: `tone` (ok, run, warn, bad, idle), `mark` and `words`."""

    @property
    def tone(self) -> str: ...
    @property
    def mark(self) -> str: ...
    @property
    def words(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Look:
    """How a state appears everywhere: never by colour alone."""

    tone: str
    mark: str
    words: str


#: One part of a bar: tone, words, count.
Part = tuple[str, str, int]

#: Up to this many seconds an age is told in the unit: (limit, seconds per unit, word).
AGES = (
    (60, 1, "s"),
    (3_600, 60, "min"),
    (48 * 3_600, 3_600, "h"),
)


def badge(look: Looks) -> SafeString:
    """A state as mark, word and tone."""
    return format_html(
        '<span class="badge tone-{}"><span class="mark" aria-hidden="true">{}</span>{}</span>',
        str(look.tone),
        look.mark,
        look.words,
    )


def bar(parts: Iterable[Part], name: str = "", kind: str = "") -> SafeString:
    """A stacked bar; its accessible name says the same in words.

    `name` opens the accessible name ("Progress"); `kind` is an extra class (bar-tall).
    """
    present = [part for part in parts if part[2] > 0]
    return format_html(
        '<svg class="bar{}" role="img" aria-label="{}" height="10" width="100%">{}</svg>',
        f" {kind}" if kind else "",
        sentence(present, name),
        format_html_join(
            "",
            '<rect class="tone-{}" x="{}%" width="{}%" height="100%"/>',
            slices(present),
        ),
    )


def sentence(parts: Sequence[Part], name: str = "") -> str:
    """The parts in words: "Progress: 12 installed, 1 failed, of 13"."""
    total = sum(count for _, _, count in parts)
    words = ", ".join(f"{count} {label.lower()}" for _, label, count in parts)
    said = f"{words}, of {total}" if parts else "nothing yet"
    return f"{name}: {said}" if name else said


def slices(parts: Sequence[Part]) -> list[tuple[str, str, str]]:
    """Each part's tone, left edge and width, in per cent of the whole."""
    total = sum(count for _, _, count in parts)
    found, done = [], 0
    for tone, _, count in parts:
        found.append((str(tone), f"{100 * done / total:.3f}", f"{100 * count / total:.3f}"))
        done += count
    return found


def legend(parts: Iterable[Part]) -> SafeString:
    """The key of a bar: every part with its count."""
    return format_html(
        '<ul class="legend">{}</ul>',
        format_html_join(
            "",
            '<li><span class="key tone-{}" aria-hidden="true"></span><strong>{}</strong> {}</li>',
            ((str(tone), count, words) for tone, words, count in parts if count),
        ),
    )


def ago(when: datetime | None, now: datetime, never: str = "never") -> SafeString | str:
    """How long before `now` (or after it) `when` is, as a <time>."""
    return never if when is None else _time(when, age_words(now - when), "ago")


def moment(when: datetime | None, never: str = "never") -> SafeString | str:
    """The point in time itself, as a <time>."""
    return never if when is None else _time(when, point(when), "moment")


def until(when: datetime, left_seconds: int) -> SafeString:
    """The time left until then as a clock that goes on by itself where scripts run."""
    return _time(when, clock(left_seconds), "until")


def clock(seconds: int) -> str:
    """04:12, or 1:04:12 from an hour on."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def point(when: datetime) -> str:
    """23 Nov 2026, 14:05:11 UTC, in the zone of whoever asked for the page."""
    return timezone.localtime(when).strftime("%-d %b %Y, %H:%M:%S %Z")


def age_words(age: timedelta) -> str:
    """3 min ago, in 12 days, just now."""
    seconds = int(age.total_seconds())
    if abs(seconds) < 2:
        return "just now"
    amount = f"{abs(seconds) // 86_400} days"
    for limit, unit_seconds, word in AGES:
        if abs(seconds) < limit:
            amount = f"{abs(seconds) // unit_seconds} {word}"
            break
    return f"in {amount}" if seconds < 0 else f"{amount} ago"


def labels(shown: dict[str, list[str]]) -> SafeString:
    """Labels as small chips, key=value."""
    return format_html_join(
        " ",
        '<span class="label-chip"><b>{}=</b>{}</span>',
        ((key, value) for key, values in sorted(shown.items()) for value in values),
    )


def _time(when: datetime, words: str, kind: str) -> SafeString:
    """A <time> with the exact instant as `datetime` and, for people, as `title`."""
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        kind,
        when.astimezone(UTC).isoformat(timespec="seconds"),
        point(when),
        words,
    )
