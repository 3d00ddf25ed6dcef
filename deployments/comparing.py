"""What ran on a deployment's devices before it, and what it changes there."""

from collections.abc import Iterator
from dataclasses import dataclass

from deployments import configuration, queries
from deployments.models import Deployment
from deployments.states import Look, Tone

#: So many of the deployments that ran before are named, those on most devices first.
NAMED = 20

ADDED = Look(Tone.OK, "+", "Added")
REMOVED = Look(Tone.BAD, "−", "Removed")
CHANGED = Look(Tone.WARN, "≠", "Changed")


@dataclass(frozen=True, slots=True)
class Before:
    """A deployment whose content ran on so many of the devices."""

    deployment: Deployment
    number: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was; secrets are told as different and not shown."""

    what: str
    look: Look
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ran before on how many devices, and what is different from one of them.

    `others` devices ran something that is not named, on `bare` ones nothing of it ran.
    """

    before: list[Before]
    others: int
    bare: int
    against: Deployment | None
    differences: list[Difference]
    same: int


def compare(deployment: Deployment, with_pk: int | None) -> Comparison:
    """Compares with what most devices ran, or with that of `with_pk` if it ran on some of them."""
    numbers = queries.ran_before(deployment)
    named = dict(numbers.most_common(NAMED))
    found = Deployment.objects.select_related("version").in_bulk(named)
    before = [Before(found[pk], number) for pk, number in named.items()]
    known = sum(numbers.values())
    against = found.get(with_pk or 0) or (before[0].deployment if before else None)
    pairs = _pairs(against, deployment) if against else []
    differences = list(_differences(pairs))
    return Comparison(
        before,
        others=known - sum(named.values()),
        bare=queries.concerned(deployment).count() - known,
        against=against,
        differences=differences,
        same=len(pairs) - len(differences),
    )


#: A thing that can differ: what it is called, how it was and how it is; None where it is not.
Pair = tuple[str, configuration.Value | None, configuration.Value | None]


def _pairs(old: Deployment, new: Deployment) -> list[Pair]:
    were, are = configuration.parameters(old), configuration.parameters(new)
    names = [*are, *(name for name in were if name not in are)]
    return [
        ("Version", _said(old.version.version), _said(new.version.version)),
        ("Profile", _profile(old), _profile(new)),
        *((_label(name, are, were), were.get(name), are.get(name)) for name in names),
    ]


def _differences(pairs: list[Pair]) -> Iterator[Difference]:
    for what, old, new in pairs:
        if old is None and new is not None:
            yield Difference(what, ADDED, "", new.words)
        elif old is not None and new is None:
            yield Difference(what, REMOVED, old.words, "")
        elif old is not None and new is not None and not _equal(old.value, new.value):
            yield Difference(what, CHANGED, old.words, new.words)


def _equal(one: object, other: object) -> bool:
    """Equal as JSON values: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _label(name: str, *found: dict[str, configuration.Value]) -> str:
    return next(values[name].label for values in found if name in values)


def _profile(deployment: Deployment) -> configuration.Value:
    return _said(
        configuration.profile_words(deployment.version.profile(deployment.profile_id) or {})
    )


def _said(words: str) -> configuration.Value:
    return configuration.Value("", words, given=True, value=words)
