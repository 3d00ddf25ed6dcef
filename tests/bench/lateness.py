"""How late and how often pages were told, from what was committed and what came to each of them."""

from collections.abc import Iterable, Iterator, Sequence

from tests.bench.sockets import Frame, Page
from tests.bench.telling import Commit

#: What came to a page, and when.
Came = list[tuple[float, Frame]]


def of_counts(commits: Sequence[Commit], known: int, pages: Iterable[Came]) -> list[float]:
    """For each report and page, from the commit to the first frame whose counts know of it.

    `known` is how many reports the pages knew of before.
    """
    return sorted(late for came in pages for late in _of_counts(commits, known, came))


def _of_counts(commits: Sequence[Commit], before: int, came: Came) -> Iterator[float]:
    known = 0
    for at, frame in came:
        now = (frame.steps or 0) - before
        yield from (max(0.0, at - committed) for committed, _, _ in commits[known : max(0, now)])
        known = max(known, now)
    assert known == len(commits), "A page never came to know of a report."


def of_rows(commits: Iterable[Commit], pages: Iterable[Page]) -> list[float]:
    """The same for the rows that a page shows, by the frames that tell the row itself."""
    when = {(instance, step): at for at, instance, step in commits}
    return sorted(late for page in pages for late in _of_rows(when, page))


def _of_rows(when: dict[tuple[int, int], float], page: Page) -> Iterator[float]:
    shows = frozenset(page.shows)
    missing = {key: at for key, at in when.items() if key[0] in shows}
    for at, frame in page.frames:
        for instance in shows & frame.rows.keys():
            for step in range(1, frame.rows[instance] + 1):
                if (since := missing.pop((instance, step), None)) is not None:
                    yield max(0.0, at - since)
    assert not missing, "A page was never told about a row that it shows."


def most_in_a_second(came: Came) -> int:
    """The most frames that came within any second."""
    times = [at for at, _ in came]
    first, found = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        found = max(found, last - first + 1)
    return found


def share(ordered: Sequence[float], part: float) -> float:
    """The value that this part of all does not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
