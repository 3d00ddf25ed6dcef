"""The devices of a deployment as its page lists them: filters in its address, and as a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, TypedDict

from django.core.paginator import Paginator
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from deployments import frames, listing, queries
from deployments.asking import number_in, text_in
from deployments.models import STATES, Batch, Deployment, Instance, Workload
from deployments.states import BAR_ORDER, FAILURE_WORDS, STATE_LOOKS, Failure, State


class Present(TypedDict):
    """What a file adds to a row: the version that the device runs now, if any."""

    runs: str | None


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    InstanceWithPresent = WithAnnotations[Instance, Present]
else:
    InstanceWithPresent = Instance

#: Rows of the table of devices on one page.
PER_PAGE = 100
#: As many are read at once for a file.
PER_CHUNK = 1_000
#: The columns of a file.
HEADER = (
    "device",
    "batch",
    "state",
    "attempts",
    "progress",
    "failure",
    "last error",
    "released",
    "fetched",
    "ended",
    "client",
    "ran before",
)


@dataclass(frozen=True, slots=True)
class Tab:
    """Instances of one state, or all, with a link to them.

    Of a single batch the page does not know the number in each state: `number` is None.
    """

    words: str
    number: int | None
    query: str
    current: bool
    state: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which of the deployment's devices are asked for."""

    search: str
    state: str
    batch: Batch | None

    @property
    def words(self) -> str:
        """What an empty table says: "No device of Batch 2 is failed"."""
        of_batch = f" of {self.batch.name}" if self.batch else ""
        in_state = f" is {dict(STATES)[self.state].lower()}" if self.state else ""
        found = f"{' and' if self.state else ''} matches “{self.search}”" if self.search else ""
        return f"No device{of_batch}{in_state}{found}"

    def found(self, deployment: Deployment) -> QuerySet[Instance]:
        """The instances, in their order."""
        return queries.instances(
            deployment.pk, search=self.search, state=self.state, batch=self.batch
        )


def chosen(given: QueryDict, deployment: Deployment) -> Chosen:
    """What the address asks for; a state or a batch that there is not is ignored."""
    state, number = given.get("state", ""), number_in(given.get("batch", ""))
    return Chosen(
        search=text_in(given, "q"),
        state=state if state in {one.value for one in State} else "",
        batch=next((one for one in deployment.batches.all() if one.number == number), None),
    )


def context(request: HttpRequest, picture: frames.Picture) -> dict[str, object]:
    """The table of devices, as filtered in the address."""
    given, asked = request.GET, chosen(request.GET, picture.deployment)
    keys = asked.found(picture.deployment).values_list("pk", flat=True)
    shown = Paginator(keys, PER_PAGE).get_page(given.get("p"))
    rows = queries.with_devices(list(shown))
    return {
        "page": shown,
        "rows": [(instance, frames.row(instance)) for instance in rows],
        "pages": listing.pages(shown, given),
        "chosen": asked,
        "tabs": _tabs(given, picture, asked),
        "batches": picture.deployment.batches.all(),
        "without_batch": listing.changed(given, batch=None),
        "without_filter": listing.changed(given, state=None, q=None, batch=None),
        "this_filter": listing.changed(given),
    }


def _tabs(given: QueryDict, picture: frames.Picture, asked: Chosen) -> list[Tab]:
    """One for all instances and one for each state; those without any are hidden."""
    states = [_tab(given, picture, asked, state) for state in BAR_ORDER]
    total = None if asked.batch else picture.census.total
    query = listing.changed(given, state=None)
    every = Tab("All", total, query, current=not asked.state, state="", hidden=False)
    return [every, *states]


def _tab(given: QueryDict, picture: frames.Picture, asked: Chosen, state: State) -> Tab:
    number, current = picture.census.number(state), asked.state == state
    return Tab(
        STATE_LOOKS[state].words,
        None if asked.batch else number,
        listing.changed(given, state=state.value),
        current=current,
        state=state.value,
        hidden=not number and not current,
    )


def as_rows(found: QuerySet[Instance], zone: tzinfo) -> Iterator[Sequence[object]]:
    """All of them as rows of a file, read some at a time; times are told in `zone`."""
    related = found.select_related("device__client", "batch", "restore_to__version")
    # Where it is still to come nothing was noted: what ran before runs there now.
    here = Workload.objects.filter(device=OuterRef("device"), application=OuterRef("application"))
    after, found = 0, related.annotate(runs=Subquery(here.values("installed__version__version")))
    while rows := list(found.filter(position__gt=after)[:PER_CHUNK]):
        yield from (_cells(instance, zone) for instance in rows)
        after = rows[-1].position


def _cells(instance: InstanceWithPresent, zone: tzinfo) -> tuple[object, ...]:
    return (
        instance.device.path,
        instance.batch.name,
        instance.look.words,
        instance.attempts,
        instance.progress,
        FAILURE_WORDS[Failure(instance.failure)] if instance.failure else "",
        instance.last_error,
        _exact(instance.released_at, zone),
        _exact(instance.fetched_at, zone),
        _exact(instance.ended_at, zone),
        instance.device.client.name,
        _ran_before(instance),
    )


def _ran_before(instance: InstanceWithPresent) -> str:
    """The version that ran there before, or still does; empty where nothing did."""
    if instance.state == State.QUEUED:
        return instance.runs or ""
    return instance.restore_to.version.version if instance.restore_to else ""


def _exact(when: datetime | None, zone: tzinfo) -> str:
    """ISO 8601 with the offset."""
    return timezone.localtime(when, zone).isoformat(timespec="seconds") if when else ""
