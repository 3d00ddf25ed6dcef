"""How devices misbehave on request: by seed and names alone, so a second run is the same."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from devices.simulator.desired import Work

_FAIL = re.compile(r"(?:(?P<what>revision|version|application)=(?P<which>[^:]+):)?(?P<rate>[^:]+)")


class MisbehaviourError(ValueError):
    """A misbehaviour was asked for in words that have no meaning; the text says which."""


@dataclass(frozen=True)
class FailRule:
    """The fraction of installations that fail, of all or only of those that match."""

    rate: float
    what: str = ""
    which: str = ""

    def concerns(self, work: Work) -> bool:
        """Whether the rule speaks of this work."""
        if self.what == "revision":
            return any(component.revision == self.which for component in work.components)
        if self.what == "version":
            return work.application_version == self.which
        return self.what == "" or work.application_id == self.which


@dataclass(frozen=True)
class Span:
    """A fraction of the fleet and up to two numbers that say how much."""

    fraction: float = 0.0
    first: float = 0.0
    second: float = 0.0


@dataclass(frozen=True)
class Misbehaviour:
    """What part of the fleet misbehaves in which way; nothing by default."""

    fail: Sequence[FailRule] = ()
    slow: Span = Span()
    offline: Span = Span()
    drift: Span = Span()
    duplicate: float = 0.0
    out_of_order: float = 0.0
    stale: float = 0.0
    silent: float = 0.0
    drift_state: str = "failed"


@dataclass(frozen=True)
class Habits:
    """How one device goes about one piece of work."""

    fails: bool = False
    factor: float = 1.0
    duplicates: bool = False
    out_of_order: bool = False
    stale: bool = False
    silent: bool = False
    drifts_after_seconds: float | None = None
    drift_state: str = "failed"


@dataclass(frozen=True)
class Absence:
    """A stretch of time in which a client cannot be reached, in seconds since the start."""

    from_seconds: float
    for_seconds: float

    def covers(self, elapsed_seconds: float) -> bool:
        """Whether the client is away at this moment."""
        return self.from_seconds <= elapsed_seconds < self.from_seconds + self.for_seconds


def chance(seed: int, *words: str) -> float:
    """A number in [0, 1) that depends on the seed and the words, and on nothing else."""
    text = "\0".join((str(seed), *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def habits(wrong: Misbehaviour, seed: int, work: Work, device: str, digest: str) -> Habits:
    """How `device` goes about `work` with this digest."""

    def hit(kind: str, rate: float) -> bool:
        return chance(seed, kind, device, digest) < rate

    rate = max((rule.rate for rule in wrong.fail if rule.concerns(work)), default=0.0)
    # Slow and silent are traits of a device, whatever it is asked to do.
    slow = chance(seed, "slow", device) < wrong.slow.fraction
    return Habits(
        fails=hit("fail", rate),
        factor=wrong.slow.first if slow else 1.0,
        duplicates=hit("duplicate", wrong.duplicate),
        out_of_order=hit("out-of-order", wrong.out_of_order),
        stale=hit("stale", wrong.stale),
        silent=chance(seed, "silent", device) < wrong.silent,
        drifts_after_seconds=wrong.drift.first if hit("drift", wrong.drift.fraction) else None,
        drift_state=wrong.drift_state,
    )


def absence(wrong: Misbehaviour, seed: int, client: str) -> Absence | None:
    """When `client` is offline, if it ever is."""
    if chance(seed, "offline", client) >= wrong.offline.fraction:
        return None
    return Absence(wrong.offline.first, wrong.offline.second)


def parse_fail(text: str) -> FailRule:
    """`0.2`, `revision=4.1.0:0.3`, `version=2.0.0:0.3` or `application=some-id:0.3`.

    Raises MisbehaviourError.
    """
    match = _FAIL.fullmatch(text)
    if match is None:
        raise MisbehaviourError(f"{text!r} does not say what fails, and how often.")
    return FailRule(parse_fraction(match["rate"]), match["what"] or "", match["which"] or "")


def parse_fraction(text: str) -> float:
    """A number from 0 to 1. Raises MisbehaviourError."""
    fraction = _number(text)
    if not 0 <= fraction <= 1:
        raise MisbehaviourError(f"{text} is not a fraction from 0 to 1.")
    return fraction


def parse_span(text: str, *defaults: float) -> Span:
    """`fraction[:first[:second]]`, the numbers not given taken from `defaults`.

    Raises MisbehaviourError.
    """
    fraction, *numbers = text.split(":")
    if len(numbers) > len(defaults):
        raise MisbehaviourError(f"{text!r} has too many numbers.")
    given = [_number(number) for number in numbers]
    if any(number < 0 for number in given):
        raise MisbehaviourError(f"{text!r} has a negative number.")
    return Span(parse_fraction(fraction), *given, *defaults[len(given) :])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise MisbehaviourError(f"{text!r} is not a number.") from error
