"""The page that shows who did what, and the same as a file; what is asked for is in the address."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import spreadsheet
from accounts.models import User
from accounts.search import words_of
from deployments import history, nouns
from deployments.asking import number_in
from deployments.deeds import DEEDS
from deployments.history import ENGINE, Line, Wanted
from deployments.listing import Chip, Choice, Menu, changed
from deployments.nouns import NOUNS, Thing

#: Lines on one page.
PER_PAGE = 50
#: A menu with more entries helps nobody; everybody else is found by the search.
MOST_PEOPLE = 100
PERMISSION = "admin.view_logentry"
#: What the address says for the engine, and the menu.
BY_ITSELF, BY_ITSELF_WORDS = "engine", f"{ENGINE}, by itself"
#: Where a page begins, in the address.
OLDER, NEWER = "before", "after"
HEAD = ("Time", "Person", "Action", "Kind", "Name", "What happened", "Reason")
#: Days outside of these are slips of the pen, and times that databases cannot compare.
FIRST_YEAR, LAST_YEAR = 1970, 2999
NO_SUCH_DAY = f"Give a day between {FIRST_YEAR} and {LAST_YEAR}, such as 2026-11-23."

#: What the entries of a menu say, by what stands in the address.
Words = list[tuple[str, str]]
ACTIONS: Words = [(name, deed.look.words) for name, deed in DEEDS.items()]
KINDS: Words = [(name, noun.words) for name, noun in NOUNS.items()]


def _sensible(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(NO_SUCH_DAY)


class Day(forms.DateField):
    """A day as the browser's own field writes it."""

    def __init__(self, label: str) -> None:
        """Takes the words beside it."""
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=widget,
            validators=[_sensible],
            error_messages={"invalid": NO_SUCH_DAY},
        )


class Question(forms.Form):
    """What the address may ask for."""

    q = forms.CharField(label="Search", required=False)
    who = forms.CharField(label="Person", required=False)
    object = forms.CharField(label="About", required=False)
    action = forms.ChoiceField(label="Action", required=False, choices=ACTIONS)
    kind = forms.ChoiceField(label="Kind", required=False, choices=KINDS)
    since = Day("From")
    until = Day("To")

    def clean_who(self) -> User | str | None:
        """The person, or BY_ITSELF; nobody where the address names no person."""
        given: str = self.cleaned_data["who"]
        if given == BY_ITSELF:
            return given
        key = number_in(given)
        return None if key is None else User.objects.filter(pk=key).first()

    def clean_object(self) -> Thing | None:
        """The only thing that is asked for; none where the address names none."""
        return nouns.thing_of(self.cleaned_data["object"])

    def days(self) -> list[forms.BoundField]:
        """The fields that stand in the form; the others are menus."""
        return [self["since"], self["until"]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line with the page of the thing that it is about, for those who may see it."""

    line: Line
    address: str


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The history: newest first, a page of it."""
    question = _question(request)
    lines, older, newer = _lines(_wanted(question), request.GET)
    context = {
        **admin.site.each_context(request),
        "title": "History",
        "rows": _rows(lines, request),
        "question": question,
        "menus": _menus(question, request.GET),
        "chips": _chips(question, request.GET),
        "engine": ENGINE,
        "kept": [(name, request.GET[name]) for name in (*_MENUS, "object") if name in request.GET],
        "older": _turned(request.GET, OLDER, lines[-1:] if older else []),
        "newer": _turned(request.GET, NEWER, lines[:1] if newer else []),
        "newest": changed(request.GET, **_FIRST_PAGE),
        "file": request.GET.urlencode(),
    }
    return render(request, "deployments/history.html", context)


@require_safe
def as_file(request: HttpRequest) -> StreamingHttpResponse:
    """All that the filters leave as a CSV file, newest first."""
    lines = history.everything(_wanted(_question(request)))
    # Asked here: while the file is sent, the person's own zone is not the current one any more.
    zone = timezone.get_current_timezone()
    rows = (_cells(line, zone) for line in lines)
    return spreadsheet.answer(request, "history.csv", HEAD, rows)


_MENUS = ("who", "action", "kind")
_FIRST_PAGE: dict[str, str | None] = {OLDER: None, NEWER: None}


def _question(request: HttpRequest) -> Question:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    question = Question(request.GET)
    question.is_valid()
    return question


def _wanted(question: Question) -> Wanted:
    """What took effect of the question; a value nobody knows is ignored."""
    asked = question.cleaned_data
    who, until = asked.get("who"), asked.get("until")
    return Wanted(
        thing=asked.get("object"),
        who=who.pk if isinstance(who, User) else None,
        engine=who == BY_ITSELF,
        deed=asked.get("action", ""),
        noun=asked.get("kind", ""),
        words=words_of(asked.get("q", "")),
        since=_begin(asked.get("since")),
        until=_begin(until and until + timedelta(days=1)),
    )


def _begin(day: date | None) -> datetime | None:
    """The first moment of the day where the person is."""
    return datetime.combine(day, time(), timezone.get_current_timezone()) if day else None


def _lines(wanted: Wanted, given: QueryDict) -> tuple[list[Line], bool, bool]:
    """The lines of the page, and whether there are older and newer ones."""
    after, before = history.place(given.get(NEWER, "")), history.place(given.get(OLDER, ""))
    if after:
        found = history.read(wanted, PER_PAGE + 1, beside=after, newer=True)
        if len(found) > PER_PAGE:
            return found[1:], True, True
        # The newest are fewer than a page: they are shown with those that follow them.
        before = None
    found = history.read(wanted, PER_PAGE + 1, beside=before)
    return found[:PER_PAGE], len(found) > PER_PAGE, before is not None


def _rows(lines: list[Line], request: HttpRequest) -> list[Row]:
    things = {line.thing for line in lines if line.thing}
    pages = nouns.addresses(things, request.user)
    return [Row(line, pages.get(line.thing, "") if line.thing else "") for line in lines]


def _turned(given: QueryDict, way: str, end: list[Line]) -> str:
    """The address of the page beside this `end` of the list; empty without one."""
    return changed(given, **{**_FIRST_PAGE, way: str(end[0].place)}) if end else ""


def _menus(question: Question, given: QueryDict) -> list[Menu]:
    people = User.objects.order_by("username").values_list("pk", "username")[:MOST_PEOPLE]
    entries: dict[str, Words] = {
        "who": [(BY_ITSELF, BY_ITSELF_WORDS), *((str(pk), name) for pk, name in people)],
        "action": ACTIONS,
        "kind": KINDS,
    }
    return [
        Menu(
            str(question.fields[name].label),
            [_choice(name, value, words, given) for value, words in entries[name]],
        )
        for name in _MENUS
    ]


def _choice(name: str, value: str, words: str, given: QueryDict) -> Choice:
    query = changed(given, **_FIRST_PAGE, **{name: value})
    return Choice(words, query, given.get(name) == value)


def _chips(question: Question, given: QueryDict) -> list[Chip]:
    """One for each filter that took effect."""
    asked = question.cleaned_data
    return [
        Chip(
            str(question.fields[name].label),
            _words(name, asked[name]),
            changed(given, **_FIRST_PAGE, **{name: None}),
        )
        for name in question.fields
        if asked.get(name)
    ]


def _words(name: str, value: object) -> str:
    """A chosen value in words."""
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    if name == "action":
        return DEEDS[str(value)].look.words
    if name == "kind":
        return NOUNS[str(value)].words
    if isinstance(value, tuple):
        return f"{NOUNS[value[0]].words} {nouns.title_of(value)}"
    return BY_ITSELF_WORDS if value == BY_ITSELF and name == "who" else str(value)


def _cells(line: Line, zone: tzinfo) -> tuple[str, ...]:
    at = line.place.at.astimezone(zone).isoformat(timespec="seconds")
    who = line.who or ENGINE
    return (at, who, line.look.words, line.kind, line.name, line.sentence, line.reason)
