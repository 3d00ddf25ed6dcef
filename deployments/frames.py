"""What a deployment's page shows, as one picture: the first paint and every live frame use it.

A frame is a JSON object with the server's own words, and with the page's partials rendered by the
same templates as the first paint; the page's script interprets nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from django.template.loader import render_to_string

from deployments import queries
from deployments.models import Batch, Deployment, Event, Instance
from deployments.outlook import next_words
from deployments.states import (
    ENDED,
    FAILURE_WORDS,
    FINISHED,
    IN_FLIGHT,
    RELEASED,
    Failure,
    Look,
    Stage,
    State,
    Status,
    Tone,
    allowed,
    stage_look,
)

#: A frame never carries more rows than this; the page then asks for the rows it shows.
ROWS_PER_FRAME = 200

#: The partials of the page that follow live; each is a template of its own.
PARTS = ("state", "outlook", "progress", "batches", "timeline")

WAITING = Look(Tone.IDLE, "·", "Not started")
RUNNING = Look(Tone.RUN, "▸", "In progress")
DONE = Look(Tone.OK, "✓", "Ended")
DONE_WITH_FAILURES = Look(Tone.BAD, "✕", "Ended with failures")


class Row(TypedDict):
    """One instance as its table row shows it; `v` grows with every write."""

    id: int
    v: int
    tone: str
    mark: str
    words: str
    progress: int
    progress_words: str
    attempts: int
    error: str


class Head(TypedDict):
    """The deployment itself: how it looks, and what may be done to it now.

    A page with another `layout` shows other devices or batches, and must be loaded again.
    """

    tone: str
    mark: str
    words: str
    status: str
    actions: list[str]
    over: bool
    layout: str


class Count(TypedDict):
    """How many instances are in one state."""

    state: str
    words: str
    number: int


class Frame(TypedDict):
    """One message to a page. `at` is when its reading began; an older one changes no part.

    `more` says that rows changed which are not in this frame: the page asks for those it shows.
    """

    kind: Literal["snapshot", "change", "beat"]
    at: str
    deployment: NotRequired[Head]
    counts: NotRequired[list[Count]]
    parts: NotRequired[dict[str, str]]
    instances: NotRequired[list[Row]]
    more: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch as the table of batches shows it."""

    batch: Batch
    look: Look
    tallies: list[queries.Tally]
    ended: int

    @property
    def outcome(self) -> str:
        """Its instances in words: "18 installed, 2 failed"."""
        return in_words(self.tallies)

    @property
    def bar(self) -> list[tuple[str, str, int]]:
        """Its instances as parts of a bar."""
        return bar(self.tallies)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline, in the tone of the stage it led to."""

    event: Event
    tone: Tone


@dataclass(frozen=True, slots=True)
class Picture:
    """A deployment as it was at one moment, without its instances."""

    deployment: Deployment
    census: queries.Census
    batches: list[BatchRow]
    events: list[Line]
    at: datetime

    @property
    def over(self) -> bool:
        """Nothing will change by itself any more."""
        return Stage(self.deployment.stage) in FINISHED

    @property
    def layout(self) -> str:
        """Changes only when the targets do: at submit, and when it is opened for editing."""
        return f"{len(self.batches)} batches, {self.census.total} devices"

    @property
    def next(self) -> str:
        """What happens next, or what the operator can do, in a sentence or two."""
        return next_words(self.deployment, self.census)

    @property
    def installed(self) -> int:
        """How many devices have it."""
        return self.census.number(State.INSTALLED)

    @property
    def bar(self) -> list[tuple[str, str, int]]:
        """All instances as parts of a bar."""
        return bar(self.census.tallies)


def take(deployment_pk: int, *, now: datetime) -> Picture | None:
    """Reads the picture in five queries, however many devices; None when the draft is gone."""
    deployment = queries.for_page().filter(pk=deployment_pk).first()
    if deployment is None:
        return None
    census = queries.census(deployment_pk)
    batches = [_batch_row(batch, census) for batch in queries.batches(deployment_pk)]
    status = Status(deployment.status)
    events = [Line(event, _tone(event, status)) for event in queries.newest_events(deployment_pk)]
    return Picture(deployment, census, batches, events, now)


def snapshot(deployment_pk: int, wanted: Collection[int], *, now: datetime) -> Frame | None:
    """Everything about the deployment, and the rows that the page shows."""
    picture = take(deployment_pk, now=now)
    if picture is None:
        return None
    return frame("snapshot", picture, queries.rows(deployment_pk, wanted)[:ROWS_PER_FRAME])


def frame(
    kind: Literal["snapshot", "change"],
    picture: Picture,
    instances: Iterable[Instance],
    *,
    more: bool = False,
) -> Frame:
    """The picture and these rows as a message."""
    return {
        "kind": kind,
        "at": moment(picture.at),
        "deployment": _head(picture),
        "counts": [
            {"state": one.state.value, "words": one.look.words, "number": one.number}
            for one in picture.census.tallies
        ],
        "parts": parts(picture),
        "instances": [row(instance) for instance in instances],
        "more": more,
    }


def beat(now: datetime) -> Frame:
    """Says that the deployment was looked at and nothing has changed."""
    return {"kind": "beat", "at": moment(now)}


def moment(at: datetime) -> str:
    """A time that sorts as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def parts(picture: Picture) -> dict[str, str]:
    """The partials of the page that follow live, rendered as at first paint."""
    context = {"picture": picture, "deployment": picture.deployment}
    return {name: render_to_string(f"deployments/_{name}.html", context) for name in PARTS}


def row(instance: Instance) -> Row:
    """An instance in the words of its table row."""
    look = instance.look
    return {
        "id": instance.pk,
        "v": instance.changes,
        "tone": look.tone.value,
        "mark": look.mark,
        "words": look.words,
        "progress": instance.progress,
        # Said once is enough: the badge beside it has the same words often.
        "progress_words": "" if instance.progress_words == look.words else instance.progress_words,
        "attempts": instance.attempts,
        "error": error_words(instance),
    }


def error_words(instance: Instance) -> str:
    """Why it failed, then what the device said about it."""
    reason = FAILURE_WORDS[Failure(instance.failure)] if instance.failure else ""
    return ": ".join(part for part in (reason, instance.last_error) if part)


def in_words(tallies: Iterable[queries.Tally]) -> str:
    """Counts as a phrase: "18 installed, 2 failed"."""
    return ", ".join(f"{one.number} {one.look.words.lower()}" for one in tallies)


def actions(deployment: Deployment) -> list[str]:
    """What may be done to the deployment in its stage, by whoever may; nothing to a deleted one."""
    if deployment.hidden_at:
        return []
    return [action.value for action in allowed(Stage(deployment.stage), deployment.gate_kind)]


def bar(tallies: Iterable[queries.Tally]) -> list[tuple[str, str, int]]:
    """Counts as the parts of a bar: tone, words, number."""
    return [(one.look.tone.value, one.look.words, one.number) for one in tallies]


def _head(picture: Picture) -> Head:
    look = picture.deployment.look
    return {
        "tone": look.tone.value,
        "mark": look.mark,
        "words": look.words,
        "status": picture.deployment.status_words,
        "actions": actions(picture.deployment),
        "over": picture.over,
        "layout": picture.layout,
    }


def _tone(event: Event, status: Status) -> Tone:
    if event.kind in {failure.value for failure in Failure}:
        return Tone.BAD
    return stage_look(Stage(event.to_stage), status).tone if event.to_stage else Tone.IDLE


def _batch_row(batch: Batch, census: queries.Census) -> BatchRow:
    counts = census.of(batch.pk)
    ended = sum(counts.get(state, 0) for state in ENDED)
    return BatchRow(batch, _batch_look(batch, counts), queries.tallies(counts), ended)


def _batch_look(batch: Batch, counts: dict[State, int]) -> Look:
    if batch.released_at is None and batch.ended_at is None and not _begun(counts):
        return WAITING
    if batch.ended_at is None or any(counts.get(state) for state in IN_FLIGHT):
        return RUNNING
    return DONE_WITH_FAILURES if counts.get(State.FAILED) else DONE


def _begun(counts: dict[State, int]) -> bool:
    return any(number for state, number in counts.items() if state in RELEASED)
