"""The rollout strategy as stored, read and checked in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployments.planner import GateRule, Offline, Policy, amount, sizes
from deployments.planner.partition import (
    CANARY,
    CANARY_ROLLING,
    IMMEDIATE,
    ROLLING,
    WITH_BATCHES,
    WITH_CANARY,
)
from deployments.states import RETRIED, Gate

#: Two decimals, as in "2.50"; the largest is below 100, which can never be exceeded.
LARGEST_PERCENT = Decimal("99.99")
DAY = 86_400

DEFAULTS: dict[str, object] = {
    "kind": IMMEDIATE,
    "order": "selected",
    "order_label": "",
    "canary_by": "percent",
    "canary_percent": "10",
    "canary_count": 1,
    "canary_labels": "",
    "canary_gate": "manual",
    "canary_soak_seconds": 0,
    "batch_by": "percent",
    "batch_size": 10,
    "batch_percent": "25",
    "batch_sizes": "",
    "batch_gate": "automatic",
    "batch_delay_seconds": 0,
    "max_failures": 0,
    "install_timeout_seconds": 1800,
    "offline": "wait",
    "offline_wait_seconds": DAY,
    "offline_after_seconds": 600,
    "retry_failed": 0,
    "retry_rejected": 0,
    "retry_timed_out": 0,
    "retry_unreachable": 0,
    "retry_drifted": 0,
    "rollback_percent": None,
    "rollback_count": None,
    "rollback_min_released": 1,
}

#: What is suggested to somebody who has not chosen yet, where several devices get it: a tenth of
#: them tries it, and a person lets the others follow. What a stored strategy leaves out is above.
SUGGESTED: dict[str, object] = {**DEFAULTS, "kind": CANARY}

#: Each strategy as a person meets it.
WORDS: dict[str, str] = {
    IMMEDIATE: "Immediate",
    CANARY: "Canary",
    ROLLING: "Rolling",
    CANARY_ROLLING: "Canary, then rolling",
}
SENTENCES: dict[str, str] = {
    IMMEDIATE: "All devices get the new version at once, as soon as each of them asks.",
    CANARY: "A few devices get it first. When they are well, all the others follow.",
    ROLLING: "One batch after the other gets it. The next one follows when the last is well.",
    CANARY_ROLLING: "A few devices get it first, and then one batch after the other.",
}

#: The choices of each field that is a choice, in words.
CHOICES: dict[str, dict[str, str]] = {
    "kind": WORDS,
    "order": {
        "selected": "As selected",
        "label": "By a label",
        "groups": "Spread over the groups",
    },
    "canary_by": {
        "percent": "a percentage of the devices",
        "count": "a number of devices",
        "labels": "the devices with certain labels",
    },
    "canary_gate": {"manual": "after Promote Canary", "automatic": "by themselves"},
    "batch_by": {
        "percent": "a percentage of the devices",
        "size": "a number of devices",
        "sizes": "sizes of their own",
    },
    "batch_gate": {"manual": "after Approve Batch", "automatic": "by itself"},
    "offline": {
        Offline.WAIT.value: "Wait for it",
        Offline.MOVE_ON.value: "Go on without it, and install when it returns",
        Offline.FAIL.value: "Count it as failed",
    },
}


@dataclass(frozen=True, slots=True)
class Limit:
    """The smallest and largest value of a whole-number field."""

    least: int
    most: int


LIMITS: dict[str, Limit] = {
    "canary_count": Limit(1, 1_000_000),
    "canary_soak_seconds": Limit(0, 30 * DAY),
    "batch_size": Limit(1, 1_000_000),
    "batch_delay_seconds": Limit(0, 30 * DAY),
    "install_timeout_seconds": Limit(10, 7 * DAY),
    "offline_wait_seconds": Limit(10, 90 * DAY),
    "offline_after_seconds": Limit(10, 90 * DAY),
    "rollback_count": Limit(0, 1_000_000),
    "rollback_min_released": Limit(1, 1_000_000),
    **{f"retry_{kind}": Limit(0, 10) for kind in RETRIED},
}
#: Percentages with the smallest and largest value.
PERCENTAGES: dict[str, tuple[Decimal, Decimal]] = {
    "canary_percent": (Decimal("0.01"), Decimal(100)),
    "batch_percent": (Decimal("0.01"), Decimal(100)),
    "rollback_percent": (Decimal(0), LARGEST_PERCENT),
}
#: May be None: the threshold is not used then.
OPTIONAL = frozenset({"rollback_percent", "rollback_count"})


class StrategyError(Exception):
    """A strategy cannot be used; `problems` has a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        """Keeps the problems by field."""
        self.problems = dict(problems)
        super().__init__(" ".join(f"{name} {text}." for name, text in self.problems.items()))


def checked(given: Mapping[str, object]) -> dict[str, object]:
    """`given` over the defaults; raises StrategyError with a sentence for each field.

    Whether a label expression can be read is for who knows labels to say (deployments.drafting).
    """
    problems = {name: "is not a setting of a rollout" for name in given if name not in DEFAULTS}
    merged = {name: given.get(name, default) for name, default in DEFAULTS.items()}
    for name, check in _CHECKS.items():
        if merged[name] is None and name in OPTIONAL:
            continue
        try:
            merged[name] = check(name, merged[name])
        except ValueError as error:
            problems[name] = str(error)
    if not problems:
        problems = _contradictions(merged)
    if problems:
        raise StrategyError(problems)
    return merged


def policy_of(stored: Mapping[str, object]) -> Policy:
    """The planner's view of a stored strategy."""
    merged = {**DEFAULTS, **stored}

    def gate(name: str, delay: str) -> GateRule:
        return GateRule(merged[name] == "automatic", _number(merged, delay))

    percent, count = merged["rollback_percent"], merged["rollback_count"]
    return Policy(
        max_failures=amount(str(merged["max_failures"])),
        install_timeout_seconds=_number(merged, "install_timeout_seconds"),
        offline=Offline(str(merged["offline"])),
        offline_wait_seconds=_number(merged, "offline_wait_seconds"),
        offline_after_seconds=_number(merged, "offline_after_seconds"),
        retries={kind: _number(merged, f"retry_{kind}") for kind in RETRIED},
        gates={
            Gate.CANARY: gate("canary_gate", "canary_soak_seconds"),
            Gate.BATCH: gate("batch_gate", "batch_delay_seconds"),
        },
        rollback_percent=None if percent is None else Decimal(str(percent)),
        rollback_count=None if count is None else int(str(count)),
        rollback_min_released=_number(merged, "rollback_min_released"),
    )


def has_canary(stored: Mapping[str, object]) -> bool:
    """Whether a first batch tries it out."""
    return stored.get("kind") in WITH_CANARY


def has_batches(stored: Mapping[str, object]) -> bool:
    """Whether one batch follows the other."""
    return stored.get("kind") in WITH_BATCHES


def canary_labels(stored: Mapping[str, object]) -> str:
    """The label expression that chooses the canary; empty when something else does."""
    if not has_canary(stored) or stored.get("canary_by") != "labels":
        return ""
    return str(stored.get("canary_labels") or "")


def _choice(name: str, value: object) -> object:
    if not isinstance(value, str) or value not in CHOICES[name]:
        raise ValueError(f"must be one of {', '.join(CHOICES[name])}")
    return value


def _whole(name: str, value: object) -> object:
    limit = LIMITS[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")
    if not limit.least <= value <= limit.most:
        raise ValueError(f"must be between {limit.least} and {limit.most}")
    return value


def _percentage(name: str, value: object) -> object:
    least, most = PERCENTAGES[name]
    text = "" if isinstance(value, bool) else str(value).strip()
    try:
        number = amount(f"{text} %").number
    except ValueError:
        raise ValueError(_percentage_words(name)) from None
    if not least <= number <= most:
        raise ValueError(_percentage_words(name))
    return text


def _percentage_words(name: str) -> str:
    least, most = PERCENTAGES[name]
    why = "; 100 % can never be exceeded" if most == LARGEST_PERCENT else ""
    return f"must be a percentage between {least} and {most}, with two decimals at most{why}"


def _amount(_name: str, value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError('must be a whole number like 5, or a percentage like "10 %"')
    return value if amount(str(value)) and isinstance(value, int) else str(value).strip()


def _text(_name: str, value: object) -> object:
    if not isinstance(value, str) or len(value) > 1000:
        raise ValueError("must be a text of at most 1000 characters")
    return value.strip()


_CHECKS: dict[str, Callable[[str, object], object]] = {
    **dict.fromkeys(CHOICES, _choice),
    **dict.fromkeys(LIMITS, _whole),
    **dict.fromkeys(PERCENTAGES, _percentage),
    **dict.fromkeys(("order_label", "canary_labels", "batch_sizes"), _text),
    "max_failures": _amount,
}


def _contradictions(merged: Mapping[str, object]) -> dict[str, str]:
    """What each field allows by itself, and all of them together do not."""
    problems: dict[str, str] = {}
    if merged["order"] == "label" and not merged["order_label"]:
        problems["order_label"] = "must name the label by which the devices are ordered"
    if has_canary(merged) and merged["canary_by"] == "labels" and not merged["canary_labels"]:
        problems["canary_labels"] = "must be a label expression that matches the canary"
    if has_batches(merged) and merged["batch_by"] == "sizes":
        try:
            sizes(str(merged["batch_sizes"]))
        except ValueError as error:
            problems["batch_sizes"] = str(error)
    after, given_up = (_number(merged, f"offline_{when}_seconds") for when in ("after", "wait"))
    if merged["offline"] == Offline.MOVE_ON and after >= given_up:
        problems["offline_after_seconds"] = "must be shorter than the time until it is given up"
    if merged["offline"] == Offline.FAIL and after > given_up:
        problems["offline_after_seconds"] = "must not be longer than the time until it is given up"
    return problems


def _number(merged: Mapping[str, object], name: str) -> int:
    return int(str(merged[name]))
