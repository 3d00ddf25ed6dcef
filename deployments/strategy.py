"""The rollout strategy as stored, read and checked in one place."""

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.planner import Policy

IMMEDIATE = "immediate"

DEFAULTS: dict[str, object] = {
    "kind": IMMEDIATE,
    "max_failures": 0,
    "install_timeout_seconds": 1800,
    "offline_wait_seconds": 86_400,
}


class StrategyError(Exception):
    """A strategy cannot be used; `problems` has a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        """Keeps the problems by field."""
        self.problems = dict(problems)
        super().__init__(" ".join(f"{name} {text}." for name, text in self.problems.items()))


@dataclass(frozen=True, slots=True)
class Limit:
    """The smallest and largest value of a whole-number field."""

    least: int
    most: int


LIMITS: dict[str, Limit] = {
    "max_failures": Limit(0, 1_000_000),
    "install_timeout_seconds": Limit(10, 7 * 86_400),
    "offline_wait_seconds": Limit(10, 90 * 86_400),
}

#: Each strategy as a person meets it.
WORDS: dict[str, str] = {IMMEDIATE: "Immediate"}
SENTENCES: dict[str, str] = {
    IMMEDIATE: "All devices get the new version at once, as soon as each of them asks.",
}


def checked(given: Mapping[str, object]) -> dict[str, object]:
    """`given` over the defaults; raises StrategyError for unknown kinds and values off limits."""
    unknown = {name: "is not a setting of a rollout" for name in given if name not in DEFAULTS}
    merged = {**DEFAULTS, **given}
    problems = {**unknown, **_off_limits(merged)}
    if merged["kind"] not in WORDS:
        problems["kind"] = f"must be one of {', '.join(WORDS)}"
    if problems:
        raise StrategyError(problems)
    return merged


def policy_of(stored: Mapping[str, object]) -> Policy:
    """The planner's view of a stored strategy."""
    merged = {**DEFAULTS, **stored}
    return Policy(**{name: int(str(merged[name])) for name in LIMITS})


def _off_limits(values: Mapping[str, object]) -> dict[str, str]:
    problems: dict[str, str] = {}
    for name, limit in LIMITS.items():
        value = values[name]
        if not isinstance(value, int) or isinstance(value, bool):
            problems[name] = "must be a whole number"
        elif not limit.least <= value <= limit.most:
            problems[name] = f"must be between {limit.least} and {limit.most}"
    return problems
