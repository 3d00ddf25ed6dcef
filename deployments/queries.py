"""What the pages about deployments read: querysets and counts whose cost does not grow with rows.

Only reads; every function here is one query, or a queryset that becomes one.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from accounts.search import words_of
from deployments.models import Batch, Deployment, Event, Instance
from deployments.planner import Snapshot
from deployments.standings import BY_ITSELF, STUMBLED
from deployments.states import (
    ACTIVE,
    BAR_ORDER,
    NEEDS_SOMEBODY,
    RELEASED,
    STATE_LOOKS,
    UNDER_WAY,
    Look,
    Stage,
    State,
)

#: What may be long and stands in no list.
NOT_LISTED = (
    *("parameters", "resolved", "targeting"),
    *(
        f"version__{name}"
        for name in ("raw", "profiles", "parameters", "sections", "schemas", "catalog")
    ),
)
#: How many of a deployment's newest events the page shows.
EVENTS_SHOWN = 50
#: Instances that are over without the device having to do anything: not unfinished, not a success.
LEFT_OUT = frozenset({State.SKIPPED, State.SUPERSEDED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Tally:
    """How many instances are in one state."""

    state: State
    number: int

    @property
    def look(self) -> Look:
        """Tone, mark and words of the state."""
        return STATE_LOOKS[self.state]

    @property
    def part(self) -> tuple[str, str, int]:
        """Its part of a bar: tone, words, number; what was left out fills the bar as well."""
        tone = "over" if self.state in LEFT_OUT else self.look.tone.value
        return tone, self.look.words, self.number


@dataclass(frozen=True, slots=True)
class Census:
    """The instances of one deployment, counted by state and batch number in a single query."""

    by_batch: dict[int, dict[State, int]]

    def number(self, *of: State) -> int:
        """How many instances of the whole deployment are in one of these states."""
        return sum(counts.get(state, 0) for counts in self.by_batch.values() for state in of)

    @property
    def total(self) -> int:
        """How many devices take part."""
        return sum(sum(counts.values()) for counts in self.by_batch.values())

    @property
    def skipped(self) -> int:
        """How many devices it passes over, which therefore miss nothing."""
        return self.number(State.SKIPPED)

    @property
    def tallies(self) -> list[Tally]:
        """The whole deployment by state, in the order of the bar; empty ones are left out."""
        return tallies({state: self.number(state) for state in BAR_ORDER})


def tallies(counts: Mapping[State, int]) -> list[Tally]:
    """Counts in the order of the bar, without the empty ones."""
    return [Tally(state, counts[state]) for state in BAR_ORDER if counts.get(state)]


def put_back(counts: Mapping[State, int]) -> tuple[int, int]:
    """How many devices a rollback has put back, and how many there are to put back."""
    back = counts.get(State.REMOVED, 0)
    return back, back + sum(counts.get(state, 0) for state in RELEASED | {State.REMOVING})


def for_list() -> QuerySet[Deployment]:
    """Deployments as lists show them, without those that were deleted from the lists."""
    related = Deployment.objects.listed().select_related("version__application", "created_by")
    return related.defer(*NOT_LISTED)


def for_page() -> QuerySet[Deployment]:
    """A deployment with what its own page says about it; a deleted one keeps its page."""
    related = Deployment.objects.select_related("version__application", "created_by")
    return related.select_related("approved_by").prefetch_related("batches")


def in_progress() -> QuerySet[Deployment]:
    """Deployments under way or about to be, first those that wait for a decision of somebody."""
    stages = [stage.value for stage in (*ACTIVE, *NEEDS_SOMEBODY, Stage.READY)]
    urgency = Case(
        When(STUMBLED, then=Value(0)),
        When(BY_ITSELF, then=Value(1)),
        When(stage__in=NEEDS_SOMEBODY, then=Value(0)),
        When(stage=Stage.READY, then=Value(2)),
        default=Value(1),
    )
    return for_list().filter(stage__in=stages).order_by(urgency, "-updated_at", "-pk")


def just_ended() -> QuerySet[Deployment]:
    """Deployments that came to their end, the latest first."""
    return for_list().exclude(ended_at=None).order_by("-ended_at", "-pk")


def recent_events() -> QuerySet[Event]:
    """The newest lines of all histories, newest first; of what was deleted too."""
    return Event.objects.select_related("deployment", "actor").order_by("-pk")


def events_after(newest: int) -> QuerySet[Event]:
    """The lines of all histories that came after this one."""
    return Event.objects.filter(pk__gt=newest)


def census(seen: Snapshot) -> Census:
    """The counts of a snapshot."""
    return Census({batch.number: dict(batch.counts) for batch in seen.batches})


def newest_events(deployment_pk: int) -> QuerySet[Event]:
    """The newest lines of the deployment's history, newest first."""
    events = Event.objects.filter(deployment=deployment_pk).select_related("actor")
    return events.order_by("-pk")[:EVENTS_SHOWN]


def instances(
    deployment_pk: int, *, search: str = "", state: str = "", batch: Batch | None = None
) -> QuerySet[Instance]:
    """The deployment's instances in their order, as filtered on its page."""
    found = Instance.objects.filter(deployment=deployment_pk)
    if state:
        found = found.filter(state=state)
    if batch:
        found = found.filter(batch=batch)
    for word in words_of(search):
        found = found.filter(
            Q(device__path__icontains=word)
            | Q(device__client__name__icontains=word)
            | Q(last_error__icontains=word)
        )
    return found.order_by("position")


def with_devices(wanted: Collection[int]) -> QuerySet[Instance]:
    """These instances in their order, each with its device.

    By their keys: joined to a list from which a late page is cut, devices would be read for all
    that come before it.
    """
    found = Instance.objects.filter(pk__in=wanted).select_related("device__client")
    return found.order_by("position")


def rows(deployment_pk: int, wanted: Collection[int]) -> QuerySet[Instance]:
    """Those of the deployment's instances that a page shows."""
    return Instance.objects.filter(deployment=deployment_pk, pk__in=wanted)


def changed_since(deployment_pk: int, since: datetime, limit: int) -> list[tuple[int, int]]:
    """Instances written since then, newest first, as (pk, changes); at most `limit`."""
    found = Instance.objects.filter(deployment=deployment_pk, changed_at__gte=since)
    return list(found.order_by("-changed_at").values_list("pk", "changes")[:limit])


def unsent(deployment: Deployment) -> int:
    """Devices it was released to that do not know about it yet: it can still be taken back."""
    released = Instance.objects.filter(deployment=deployment, state__in=UNDER_WAY)
    return released.filter(revision__target_version=None, revision__withdrawn_at=None).count()


def overtaken(deployment: Deployment) -> int:
    """Failed devices whose application another deployment has changed since."""
    failed = Instance.objects.filter(deployment=deployment, state=State.FAILED)
    tried = failed.exclude(revision=None)
    return tried.exclude(workload__wanted__deployment=deployment).count()


def concerned(deployment: Deployment) -> QuerySet[Instance]:
    """The devices that got it, or still shall get it."""
    mine = Instance.objects.filter(deployment=deployment).exclude(state=State.SKIPPED)
    return mine.exclude(state=State.CANCELLED, revision=None)


def ran_before(deployment: Deployment) -> Counter[int]:
    """The deployments whose content ran on its devices before, each with their number.

    Where it was released this was noted; where it was not, what runs there now is asked.
    """
    sent = concerned(deployment).exclude(state=State.QUEUED).exclude(restore_to=None)
    found = Counter(dict(_by(sent, "restore_to__deployment")))
    waiting = concerned(deployment).filter(
        state=State.QUEUED, device__workloads__application=F("application")
    )
    running = waiting.exclude(device__workloads__installed=None)
    return found + Counter(dict(_by(running, "device__workloads__installed__deployment")))


def _by(found: QuerySet[Instance], name: str) -> QuerySet[Instance, tuple[int, int]]:
    return found.order_by().values_list(name).annotate(number=Count("pk"))
