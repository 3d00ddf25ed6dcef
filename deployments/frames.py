"""What a deployment's page shows, as one picture: the first paint and every live frame use it.

A frame is a JSON object with the server's own words, and with the page's partials rendered by the
same templates as the first paint; the page's script interprets nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from django.template.loader import render_to_string

from deployments import counting, failures, ladder, queries, timeline
from deployments.models import Deployment, Instance
from deployments.outlook import next_words
from deployments.planner import Snapshot
from deployments.states import (
    FINISHED,
    GOING_BACK,
    PRIMARY,
    Action,
    Stage,
    State,
    allowed,
)
from deployments.strategy import policy_of

#: A frame never carries more rows than this; each page then asks for its own, which costs more.
ROWS_PER_FRAME = 500

#: What may be done besides, once it is over: a new draft of the same.
AGAIN = "again"
#: The partials of the page that follow live; each is a template of its own.
PARTS = ("state", "outlook", "progress", "batches", "timeline")


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

    `shown` are the values that its buttons post, so that nobody decides about something else than
    was shown. A page with another `layout` shows another plan, and must be loaded again.
    """

    tone: str
    mark: str
    words: str
    status: str
    actions: list[str]
    primary: str
    shown: dict[str, str]
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
class Picture:
    """A deployment as it was at one moment, without its instances."""

    deployment: Deployment
    seen: Snapshot
    census: queries.Census
    ladder: ladder.Ladder
    events: list[timeline.Line]
    failures: failures.Failures
    at: datetime

    @property
    def over(self) -> bool:
        """Nothing will change by itself any more."""
        return Stage(self.deployment.stage) in FINISHED

    @property
    def layout(self) -> str:
        """Changes only when the plan does: at submit, at an edit, when it is opened for editing."""
        batches = len(self.seen.batches)
        return f"{batches} batches, {self.census.total} devices, edit {self.deployment.edits}"

    @property
    def next(self) -> list[str]:
        """What happens next, or what the operator can do, a sentence each."""
        return next_words(self.deployment, self.seen, self.at)

    @property
    def actions(self) -> list[str]:
        """What may be done now; not what there is nothing to do for."""
        idle = {action.value for action in _idle(self.seen)}
        possible = [action for action in actions(self.deployment) if action not in idle]
        return [*possible, AGAIN] if self.over and not self.deployment.hidden_at else possible

    @property
    def primary(self) -> str:
        """The most likely of them; none where no step is likelier than another."""
        return next((action.value for action in PRIMARY if action in self.actions), "")

    @property
    def shown(self) -> dict[str, str]:
        """What stands in the page's forms and follows live: the batch at whose gate it waits."""
        return {"gate_batch": str(self.deployment.gate_batch or "")}

    @property
    def goes_back(self) -> bool:
        """A rollback is what there is to follow."""
        return self.seen.stage in GOING_BACK

    @property
    def reached(self) -> tuple[int, int]:
        """How many devices have it, of those it is for; in a rollback, how many were put back."""
        if self.goes_back:
            return queries.put_back({one.state: one.number for one in self.census.tallies})
        return self.census.number(State.INSTALLED), self.census.total - self.census.skipped

    @property
    def bar(self) -> list[tuple[str, str, int]]:
        """All instances as parts of a bar."""
        return [one.part for one in self.census.tallies]


def take(deployment_pk: int, *, now: datetime) -> Picture | None:
    """Reads the picture in five queries at most, whatever its size; None when the draft is gone."""
    deployment = queries.for_page().filter(pk=deployment_pk).first()
    if deployment is None:
        return None
    seen = counting.snapshot(deployment, policy_of(deployment.strategy), now)
    lines = timeline.lines(queries.newest_events(deployment_pk))
    steps = ladder.of(deployment, seen, now)
    failed = failures.of(deployment_pk, seen)
    return Picture(deployment, seen, queries.census(seen), steps, lines, failed, now)


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
        "error": failures.words(instance, failures.LONGEST_IN_ROW),
    }


def actions(deployment: Deployment) -> list[str]:
    """What may be done to the deployment in its stage, by whoever may; nothing to a deleted one."""
    if deployment.hidden_at:
        return []
    return [action.value for action in allowed(Stage(deployment.stage), deployment.gate_kind)]


def _head(picture: Picture) -> Head:
    look = picture.deployment.look
    return {
        "tone": look.tone.value,
        "mark": look.mark,
        "words": look.words,
        "status": picture.deployment.status_words,
        "actions": picture.actions,
        "primary": picture.primary,
        "shown": picture.shown,
        "over": picture.over,
        "layout": picture.layout,
    }


def _idle(seen: Snapshot) -> list[Action]:
    """Actions of the stage that there is nothing to do for."""
    going_back = seen.count(State.REMOVING)
    failed = seen.unrestored if seen.stage in GOING_BACK else seen.count(State.FAILED)
    return [
        action
        for action, number in ((Action.RETRY_FAILED, failed), (Action.GIVE_UP, going_back))
        if not number
    ]
