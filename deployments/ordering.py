"""The order of the frozen targets: who tries it first, who comes later, and who cannot run it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from operator import itemgetter

#: The parts of every order, one after the other. Who does not fit comes last, so that no early
#: batch is made of it.
CANARY, OTHERS, UNFIT = 0, 1, 2

Mark = int | str | None
#: A device's id, its path, its part, and the mark by which it is ordered: its place in the list
#: that somebody gave, the value of a label, or the place of the first chosen group that it is in;
#: None where there is none. Plain tuples: for each of 100 000 devices there is one.
Target = tuple[int, str, int, Mark]

_DIGITS = re.compile(r"([0-9]+)")
_ID, _PATH, _PART = 0, 1, 2


def ordered(targets: Iterable[Target], order: str) -> list[Target]:
    """The targets in the order `selected`, `label` or `groups` of a strategy, part by part.

    The order in which `targets` come says nothing.
    """
    by_path = sorted(targets, key=itemgetter(_PART, _PATH, _ID))
    return _ORDERS[order](by_path)


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key by which `hall 2` comes before `hall 10`."""
    pieces = [piece for piece in _DIGITS.split(text) if piece]
    numbers = [(0, int(piece), "") if _DIGITS.match(piece) else (1, 0, piece) for piece in pieces]
    # 07 and 7 are the same number, but not the same text.
    return [*numbers, (-1, 0, text)]


def _as_selected(by_path: list[Target]) -> list[Target]:
    """As listed, then the others by path."""
    return sorted(by_path, key=lambda target: (target[_PART], target[-1] is None, target[-1] or 0))


def _by_label(by_path: list[Target]) -> list[Target]:
    """By the label, then those without it by path."""
    values = {str(mark) for *_, mark in by_path if mark is not None}
    places: dict[Mark, int] = {
        value: place for place, value in enumerate(sorted(values, key=natural))
    }
    last = len(places)
    return sorted(by_path, key=lambda target: (target[_PART], places.get(target[-1], last)))


def _over_groups(by_path: list[Target]) -> list[Target]:
    """One of each group in turn, and last in each turn one that is in none."""
    seen: Counter[tuple[int, Mark]] = Counter()
    turns = []
    for *_, part, group in by_path:
        turns.append((part, seen[part, group], group is None, group or 0))
        seen[part, group] += 1
    return [by_path[index] for index in sorted(range(len(by_path)), key=turns.__getitem__)]


_ORDERS: dict[str, Callable[[list[Target]], list[Target]]] = {
    "selected": _as_selected,
    "label": _by_label,
    "groups": _over_groups,
}
