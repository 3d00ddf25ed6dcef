"""Which devices failed and why, as the head of a deployment's page names them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.text import Truncator

from deployments.models import Instance
from deployments.planner import Snapshot
from deployments.states import FAILURE_WORDS, Failure, Stage, State

#: So many are named before the rest is counted.
NAMED = 3
#: So much of what a device said fits beside its name, in characters, and into its row of the
#: table: all rows of a live frame may be long.
LONGEST, LONGEST_IN_ROW = 120, 1000
#: Stages in which somebody decides about the failures.
ASKED_ABOUT = frozenset({Stage.HELD, Stage.COMPLETED, Stage.ROLLED_BACK})


@dataclass(frozen=True, slots=True)
class Failed:
    """A device that failed, and why, in short."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Failures:
    """The first devices that failed, and how many there are beside them."""

    named: Sequence[Failed] = ()
    more: int = 0


def of(deployment_pk: int, seen: Snapshot) -> Failures:
    """One query where somebody has to decide about failures, else none."""
    number = seen.count(State.FAILED)
    if not number or seen.stage not in ASKED_ABOUT:
        return Failures()
    failed = Instance.objects.filter(deployment=deployment_pk, state=State.FAILED)
    first = failed.select_related("device").order_by("position")[:NAMED]
    named = [Failed(one.device.path, words(one, LONGEST)) for one in first]
    return Failures(named, number - len(named))


def words(instance: Instance, longest: int) -> str:
    """Why it failed, then what the device said about it, as far as that is not too long."""
    reason = FAILURE_WORDS[Failure(instance.failure)] if instance.failure else ""
    said = Truncator(instance.last_error).chars(longest)
    return ": ".join(part for part in (reason, said) if part)
