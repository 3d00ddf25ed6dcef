"""What the pages about deployments read: querysets and counts whose cost does not grow with rows.

Only reads; every function here is one query, or a queryset that becomes one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from accounts.search import words_of
from deployments.models import Batch, Deployment, Event, Instance
from deployments.states import ACTIVE, BAR_ORDER, STATE_LOOKS, Look, State

#: How many of a deployment's newest events the page shows.
EVENTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Tally:
    """How many instances are in one state."""

    state: State
    number: int

    @property
    def look(self) -> Look:
        """Tone, mark and words of the state."""
        return STATE_LOOKS[self.state]


@dataclass(frozen=True, slots=True)
class Census:
    """The instances of one deployment, counted by state and batch in a single query."""

    by_batch: dict[int, dict[State, int]]

    def of(self, batch_pk: int) -> dict[State, int]:
        """The counts of one batch."""
        return self.by_batch.get(batch_pk, {})

    def number(self, state: State) -> int:
        """How many instances of the whole deployment are in this state."""
        return sum(counts.get(state, 0) for counts in self.by_batch.values())

    @property
    def total(self) -> int:
        """How many devices take part."""
        return sum(sum(counts.values()) for counts in self.by_batch.values())

    @property
    def tallies(self) -> list[Tally]:
        """The whole deployment by state, in the order of the bar; empty ones are left out."""
        return tallies({state: self.number(state) for state in BAR_ORDER})


def tallies(counts: dict[State, int]) -> list[Tally]:
    """Counts in the order of the bar, without the empty ones."""
    return [Tally(state, counts[state]) for state in BAR_ORDER if counts.get(state)]


def for_list() -> QuerySet[Deployment]:
    """Deployments as lists show them, without those that were deleted from the lists."""
    return Deployment.objects.listed().select_related("version__application", "created_by")


def for_page() -> QuerySet[Deployment]:
    """A deployment with what its own page says about it; a deleted one keeps its page."""
    return Deployment.objects.select_related("version__application", "created_by")


def in_progress() -> QuerySet[Deployment]:
    """Deployments in which something happens by itself right now, the newest first."""
    return for_list().filter(stage__in=[stage.value for stage in ACTIVE])


def census(deployment_pk: int) -> Census:
    """Counts the deployment's instances, over the covering index."""
    rows = (
        Instance.objects.filter(deployment=deployment_pk)
        .order_by()
        .values_list("batch", "state")
        .annotate(number=Count("pk"))
    )
    by_batch: dict[int, dict[State, int]] = {}
    for batch, state, number in rows:
        by_batch.setdefault(batch, {})[State(state)] = number
    return Census(by_batch)


def batches(deployment_pk: int) -> QuerySet[Batch]:
    """The deployment's batches in their order."""
    return Batch.objects.filter(deployment=deployment_pk).order_by("number")


def newest_events(deployment_pk: int) -> QuerySet[Event]:
    """The newest lines of the deployment's history, newest first."""
    events = Event.objects.filter(deployment=deployment_pk).select_related("actor")
    return events.order_by("-pk")[:EVENTS_SHOWN]


def instances(deployment_pk: int, *, search: str = "", state: str = "") -> QuerySet[Instance]:
    """The deployment's instances in their order, as filtered on its page."""
    found = Instance.objects.filter(deployment=deployment_pk).select_related("device__client")
    if state:
        found = found.filter(state=state)
    for word in words_of(search):
        found = found.filter(
            Q(device__path__icontains=word)
            | Q(device__client__name__icontains=word)
            | Q(last_error__icontains=word)
        )
    return found.order_by("position")


def rows(deployment_pk: int, wanted: Collection[int]) -> QuerySet[Instance]:
    """Those of the deployment's instances that a page shows."""
    return Instance.objects.filter(deployment=deployment_pk, pk__in=wanted)


def changed_since(deployment_pk: int, since: datetime, limit: int) -> list[tuple[int, int]]:
    """Instances written since then, newest first, as (pk, changes); at most `limit`."""
    found = Instance.objects.filter(deployment=deployment_pk, changed_at__gte=since)
    return list(found.order_by("-changed_at").values_list("pk", "changes")[:limit])
