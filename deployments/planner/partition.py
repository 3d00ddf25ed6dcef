"""The batches of a rollout: every target in exactly one, in the order of the targets."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployments.planner.snapshot import Amount
from deployments.states import Gate
from deployments.words import duration

IMMEDIATE, CANARY, ROLLING, CANARY_ROLLING = "immediate", "canary", "rolling", "canary_rolling"
WITH_CANARY = frozenset({CANARY, CANARY_ROLLING})
WITH_BATCHES = frozenset({ROLLING, CANARY_ROLLING})
#: More batches than this nobody can oversee.
MOST_BATCHES = 1000
REST = "rest"
_AMOUNT = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?\s*(%?)", re.ASCII)


class PartitionError(ValueError):
    """The targets cannot be cut like this; the message is a sentence about why."""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A slice of the ordered targets, as the wizard shows it before submit.

    `gate` is what stands behind it, before the next batch.
    """

    number: int
    name: str
    first: int
    size: int
    starts: str = ""
    gate: Gate | None = None


def amount(text: str) -> Amount:
    """`10` as a number, `2.5 %` as a percentage; raises ValueError for anything else."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or (found[2] and not found[3]):
        raise ValueError('must be a whole number like 5, or a percentage like "10 %"')
    number = Decimal(f"{found[1]}.{found[2] or 0}")
    if found[3] and number > 100:
        raise ValueError("must not be over 100 %")
    return Amount(number, percent=bool(found[3]))


def sizes(text: str) -> list[Amount | None]:
    """The sizes in "1, 10, 50 %, rest"; None stands for the rest, which comes last.

    Raises ValueError with the end of a sentence.
    """
    words = [word.strip() for word in text.split(",")]
    if words[-1].lower() == REST:
        words.pop()
    read: list[Amount | None] = [_size(word) for word in words]
    if len(read) >= MOST_BATCHES:
        raise ValueError(f"must name fewer than {MOST_BATCHES} sizes")
    if sum(one.number for one in read if one and one.percent) > 100:
        raise ValueError("must not be over 100 % together")
    return [*read, None]


def partition(
    strategy: Mapping[str, object], total: int, canary_matches: int | None = None
) -> tuple[PlannedBatch, ...]:
    """The batches of a rollout over `total` ordered targets; each target is in exactly one.

    `strategy` is as checked and stored; `canary_matches` are the targets that the canary's label
    expression matches and that come first then. Percentages are of all targets, rounded down, at
    least 1; the last batch takes the rest. Raises PartitionError where that makes no sense.
    """
    if total == 0:
        return ()
    cut = list(_cut(strategy, total, canary_matches))
    names = _names(strategy, len(cut))
    first, batches = 1, []
    for index, size in enumerate(cut):
        gate = _gate(strategy, index) if index + 1 < len(cut) else None
        starts = _starts(strategy, index)
        batches.append(PlannedBatch(index + 1, names[index], first, size, starts, gate))
        first += size
    return tuple(batches)


def _size(word: str) -> Amount:
    if word.lower() == REST:
        raise ValueError('must have "rest" at the end only')
    read = amount(word)
    if not read.number:
        raise ValueError("must have sizes of at least 1")
    return read


def _cut(strategy: Mapping[str, object], total: int, matches: int | None) -> Iterator[int]:
    """The sizes of the batches, none of them empty."""
    left = total
    for wanted in _wanted(strategy, total, matches):
        size = left if wanted is None else min(left, wanted)
        if size:
            yield size
        left -= size
        if not left:
            return


def _wanted(
    strategy: Mapping[str, object], total: int, matches: int | None
) -> Sequence[int | None]:
    wanted: list[int | None] = []
    if strategy["kind"] in WITH_CANARY:
        wanted.append(_canary(strategy, total, matches))
    if strategy["kind"] in WITH_BATCHES:
        wanted += _batches(strategy, total)
    return [*wanted, None]


def _canary(strategy: Mapping[str, object], total: int, matches: int | None) -> int:
    if strategy["canary_by"] == "labels":
        if not matches:
            raise PartitionError(
                f"No device matches the canary's label expression {strategy['canary_labels']}."
            )
        return matches
    if strategy["canary_by"] == "count":
        return int(str(strategy["canary_count"]))
    return _share(Decimal(str(strategy["canary_percent"])), total)


def _batches(strategy: Mapping[str, object], total: int) -> list[int | None]:
    if strategy["batch_by"] == "sizes":
        named = sizes(str(strategy["batch_sizes"]))
        return [None if one is None else _absolute(one, total) for one in named]
    if strategy["batch_by"] == "percent":
        size = _share(Decimal(str(strategy["batch_percent"])), total)
    else:
        size = int(str(strategy["batch_size"]))
    number = -(-total // size)
    if number > MOST_BATCHES:
        raise PartitionError(
            f"{total} devices in batches of {size} make {number} batches; "
            f"more than {MOST_BATCHES} are not possible."
        )
    return [size] * number


def _absolute(size: Amount, total: int) -> int:
    return _share(size.number, total) if size.percent else int(size.number)


def _share(percent: Decimal, total: int) -> int:
    return max(1, Amount(percent, percent=True).of(total))


def _names(strategy: Mapping[str, object], number: int) -> list[str]:
    if number == 1 and strategy["kind"] not in WITH_BATCHES:
        return ["All devices"]
    canary = ["Canary"] if strategy["kind"] in WITH_CANARY else []
    if strategy["kind"] == CANARY:
        return ["Canary", "The rest"]
    return canary + [f"Batch {one}" for one in range(1, number - len(canary) + 1)]


def _gate(strategy: Mapping[str, object], index: int) -> Gate:
    return Gate.CANARY if index == 0 and strategy["kind"] in WITH_CANARY else Gate.BATCH


def _starts(strategy: Mapping[str, object], index: int) -> str:
    """When a batch starts, in the words of the plan."""
    if index == 0:
        return "at once"
    gate = _gate(strategy, index - 1)
    if strategy[f"{gate}_gate"] == "manual":
        return "after Promote Canary" if gate is Gate.CANARY else "after Approve Batch"
    before = "the canary" if gate is Gate.CANARY else "the batch before"
    name = "canary_soak_seconds" if gate is Gate.CANARY else "batch_delay_seconds"
    delay = int(str(strategy[name]))
    return f"{duration(delay)} after {before} is healthy" if delay else f"when {before} is healthy"
