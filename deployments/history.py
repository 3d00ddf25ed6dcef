"""Who did what, when: the deployments' events and the admin's log as one list, newest first.

Two tables keep what happened. A page of the list is read from both by two bounded queries, from a
given line on, so that it costs the same at its end as at its beginning.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet

from accounts.look import Look
from accounts.models import User
from deployments import deeds, nouns
from deployments.deeds import DEEDS
from deployments.models import Deployment, Event
from deployments.nouns import NOUNS, Thing

#: Who is named where nobody did it.
ENGINE = "Lineside"
#: Lines that are read at once where all of them are wanted.
CHUNK = 2000
#: What the admin's log says where it has no words of its own.
SAID = {ADDITION: "Added.", CHANGE: "Changed.", DELETION: "Deleted."}
#: The two tables, in the order of lines that have the same time: the later letter is the newer.
EVENT, ENTRY = "e", "a"

M = TypeVar("M", bound=Model)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEY = re.compile(r"\d{1,18}", re.ASCII)
_PLACE = re.compile(r"(\d{1,17})-([ae])-(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a line stands: its time, its table, its key. Later places are newer."""

    at: datetime
    table: str
    key: int

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{(self.at - _EPOCH) // _MICROSECOND}-{self.table}-{self.key}"


def place(text: str) -> Place | None:
    """The place that an address names; None for what names none."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return None
    return Place(_EPOCH + int(match[1]) * _MICROSECOND, match[2], int(match[3]))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: everything, or what all of this holds for.

    `thing` is the only one that is asked for; `who` is the key of a person; `engine` asks for what
    nobody did; `words` are found in the name of the thing or of the person; `since` is the first
    moment, `until` the first that is too late.
    """

    thing: Thing | None = None
    who: int | None = None
    engine: bool = False
    deed: str = ""
    noun: str = ""
    words: Sequence[str] = field(default_factory=tuple)
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of history; `who` is empty where the engine did it."""

    place: Place
    who: str
    look: Look
    noun: str
    key: int | None
    name: str
    sentence: str
    reason: str = ""

    @property
    def rest(self) -> str:
        """The sentence beside the word of its look, which it may begin with: that is said once."""
        begins = re.match(rf"{re.escape(self.look.words)}\b[:.]? ?", self.sentence)
        return self.sentence[begins.end() :] if begins else self.sentence

    @property
    def thing(self) -> Thing | None:
        """What it is about, where that has pages."""
        return (self.noun, self.key) if self.noun and self.key is not None else None

    @property
    def kind(self) -> str:
        """What kind of thing it is about, in words."""
        return NOUNS[self.noun].words if self.noun else "Something else"


def read(
    wanted: Wanted, most: int, *, beside: Place | None = None, newer: bool = False
) -> list[Line]:
    """At most so many lines, newest first: the newest of all, or those `beside` that place.

    Those are the next older ones, or the next `newer` ones. Two queries, whatever is asked for.
    """
    events = _beside(_events(wanted), EVENT, "at", beside, newer=newer)
    entries = _beside(_entries(wanted), ENTRY, "action_time", beside, newer=newer)
    found = [
        *(_told(row) for row in events.values_list(*_OF_EVENT)[:most]),
        *(_logged(row) for row in entries.values_list(*_OF_ENTRY)[:most]),
    ]
    found.sort(key=lambda line: line.place, reverse=not newer)
    return found[:most][:: -1 if newer else 1]


def everything(wanted: Wanted) -> Iterator[Line]:
    """All lines, newest first, read in chunks; what happens meanwhile is not among them."""
    lines = read(wanted, CHUNK)
    while lines:
        yield from lines
        lines = read(wanted, CHUNK, beside=lines[-1].place) if len(lines) == CHUNK else []


def _events(wanted: Wanted) -> QuerySet[Event]:
    found = Event.objects.filter(_between(wanted, "at"))
    if not {wanted.noun, wanted.thing[0] if wanted.thing else ""} <= {"", "deployment"}:
        return found.none()
    if wanted.thing:
        found = found.filter(deployment=wanted.thing[1])
    if wanted.deed:
        found = found.filter(DEEDS[wanted.deed].events())
    if wanted.engine or wanted.who is not None:
        found = found.filter(actor=None if wanted.engine else wanted.who)
    for word in wanted.words:
        named = Deployment.objects.filter(name__icontains=word)
        found = found.filter(Q(deployment__in=named.values("pk")) | Q(actor__in=_people(word)))
    return found


def _entries(wanted: Wanted) -> QuerySet[LogEntry]:
    found = LogEntry.objects.filter(_between(wanted, "action_time"))
    if wanted.engine:
        return found.none()
    if wanted.noun:
        kind = ContentType.objects.get_for_model(NOUNS[wanted.noun].model)
        found = found.filter(content_type=kind)
    if wanted.thing:
        kind = ContentType.objects.get_for_model(NOUNS[wanted.thing[0]].model)
        found = found.filter(content_type=kind, object_id=str(wanted.thing[1]))
    if wanted.deed:
        found = found.filter(action_flag__in=DEEDS[wanted.deed].flags)
    if wanted.who is not None:
        found = found.filter(user=wanted.who)
    for word in wanted.words:
        found = found.filter(Q(object_repr__icontains=word) | Q(user__in=_people(word)))
    return found


def _people(word: str) -> QuerySet[User, Any]:
    """Those who have the word in their name; not joined, so that few people are looked at once."""
    return User.objects.filter(username__icontains=word).values("pk")


def _between(wanted: Wanted, column: str) -> Q:
    found = Q()
    if wanted.since:
        found &= Q(**{f"{column}__gte": wanted.since})
    return found & Q(**{f"{column}__lt": wanted.until}) if wanted.until else found


def _beside(
    rows: QuerySet[M], table: str, column: str, beside: Place | None, *, newer: bool
) -> QuerySet[M]:
    """The rows on one side of the place, the nearest first; all of them without a place."""
    sign, way = ("", "gt") if newer else ("-", "lt")
    rows = rows.order_by(f"{sign}{column}", f"{sign}pk")
    if beside is None:
        return rows
    farther = Q(**{f"{column}__{way}": beside.at})
    if table == beside.table:
        farther |= Q(**{f"pk__{way}": beside.key})
    elif (table > beside.table) is not newer:
        return rows.filter(farther)
    # Also said as a bound of the time alone, which is what an index can be entered with.
    bound = Q(**{f"{column}__{way}e": beside.at})
    return rows.filter(bound & farther) if table == beside.table else rows.filter(bound)


_OF_EVENT = (
    *("at", "pk", "actor__username", "kind", "from_stage", "to_stage"),
    *("deployment", "deployment__name", "sentence", "reason"),
)
_OF_ENTRY = (
    *("action_time", "pk", "user__username", "action_flag"),
    *("content_type__app_label", "content_type__model", "object_id"),
    *("object_repr", "change_message"),
)


def _told(row: tuple[Any, ...]) -> Line:
    at, pk, who, kind, before, after, key, name, sentence, reason = row
    look = deeds.of_event(kind, before, after)
    return Line(Place(at, EVENT, pk), who or "", look, "deployment", key, name, sentence, reason)


def _logged(row: tuple[Any, ...]) -> Line:
    at, pk, who, flag, app, model, key, name, message = row
    said = LogEntry(change_message=message).get_change_message() or SAID.get(flag, "Changed.")
    key = int(key) if key and _KEY.fullmatch(key) else None
    noun = nouns.name_of(app, model)
    return Line(Place(at, ENTRY, pk), who, deeds.of_entry(flag), noun, key, name, said)
