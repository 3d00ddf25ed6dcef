"""Template tags of the portal's look: badges, bars, times. All safe under the strict CSP."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


class Looks(Protocol):
    """What a badge is made of: `tone` (ok, run, warn, bad, idle), `mark` and `words`."""

    @property
    def tone(self) -> str: ...
    @property
    def mark(self) -> str: ...
    @property
    def words(self) -> str: ...


Part = tuple[str, str, int]

#: Up to this many seconds an age is told in the unit: (limit, seconds per unit, word).
AGES = (
    (60, 1, "s"),
    (3_600, 60, "min"),
    (48 * 3_600, 3_600, "h"),
    (60 * 86_400, 86_400, "days"),
)


@register.simple_tag
def badge(look: Looks) -> SafeString:
    """A state as mark, word and tone."""
    return format_html(
        '<span class="badge tone-{}"><span class="mark" aria-hidden="true">{}</span>{}</span>',
        str(look.tone),
        look.mark,
        look.words,
    )


@register.simple_tag
def bar(parts: Iterable[Part], name: str = "", kind: str = "") -> SafeString:
    """A stacked bar of (tone, words, count); its accessible name says the same in words.

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
    """The parts in words: "Progress: 12 installed, 1 failed, of 16"."""
    total = sum(count for _, _, count in parts)
    words = ", ".join(f"{count} {label.lower()}" for _, label, count in parts)
    said = f"{words}, of {total}" if len(parts) > 1 else words or "nothing yet"
    return f"{name}: {said}" if name else said


def slices(parts: Sequence[Part]) -> list[tuple[str, str, str]]:
    """Each part's tone, left edge and width, in per cent of the whole."""
    total = sum(count for _, _, count in parts)
    found, done = [], 0
    for tone, _, count in parts:
        found.append((str(tone), f"{100 * done / total:.3f}", f"{100 * count / total:.3f}"))
        done += count
    return found


@register.simple_tag
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


@register.simple_tag(takes_context=True)
def ago(context: template.Context, when: datetime | None, never: str = "never") -> SafeString | str:
    """How long ago (or until) `when` is, as a <time>; counts from the context's `now`."""
    if when is None:
        return never
    now = context.get("now")
    age = (now if isinstance(now, datetime) else timezone.now()) - when
    return time_element(when, age_words(age), "ago")


@register.simple_tag
def moment(when: datetime | None, never: str = "never") -> SafeString | str:
    """The point in time itself, as a <time>."""
    return never if when is None else time_element(when, point(when), "moment")


def time_element(when: datetime, words: str, kind: str) -> SafeString:
    """A <time> with the exact instant as `datetime` and, for people, as `title`."""
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        kind,
        when.astimezone(UTC).isoformat(timespec="seconds"),
        point(when),
        words,
    )


def point(when: datetime) -> str:
    """23 Nov 2026, 14:05:11 UTC, in the portal's time zone."""
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


@register.simple_tag
def icon(name: str) -> SafeString:
    """A line drawing of portal/icons.svg; decoration, words stand beside it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("portal/icons.svg"),
        name,
    )
