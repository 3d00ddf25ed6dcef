"""A rollout's strategy as people type it: numbers with units, percentages with their sign."""

import re
from collections.abc import Mapping
from decimal import Decimal

from deployments import strategy
from deployments.planner import Offline
from deployments.planner.partition import IMMEDIATE
from deployments.states import RETRIED
from deployments.strategy import DEFAULTS, StrategyError
from deployments.words import UNITS, duration

SUFFIX = "_seconds"
#: Settings that are durations, by the name of their field; each has a unit beside it.
DURATIONS = {name.removesuffix(SUFFIX): name for name in strategy.DEFAULTS if name.endswith(SUFFIX)}
#: Settings that only the folded part of the step shows.
FOLDED = (
    "max_failures",
    "install_timeout_seconds",
    "offline",
    "offline_after_seconds",
    "offline_wait_seconds",
    *(f"retry_{kind}" for kind in RETRIED),
    "rollback_percent",
    "rollback_count",
    "rollback_min_released",
)
#: What a problem with a setting that is not shown takes back besides the setting itself.
_BELONGS = {"order_label": "order"}
_NUMBER = re.compile(r"\d{1,8}(?:[.,]\d{1,3})?", re.ASCII)


def shown(stored: Mapping[str, object]) -> dict[str, str]:
    """What stands in the fields for a stored strategy."""
    texts: dict[str, str] = {}
    for name, value in {**DEFAULTS, **stored}.items():
        if name in DURATIONS.values():
            field = name.removesuffix(SUFFIX)
            texts[field], texts[f"{field}_unit"] = _in_units(int(str(value)))
        else:
            texts[name] = "" if value is None else str(value)
    return texts


def read(texts: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    """The strategy that the fields say, and what is wrong with which setting.

    What does not belong to the chosen strategy cannot be seen, so a mistake in it does not count:
    the default takes its place.
    """
    given = {name: _value(name, texts) for name in DEFAULTS}
    hidden = _problems(given).keys() - relevant(given)
    for name in hidden | {_BELONGS[name] for name in hidden if name in _BELONGS}:
        given[name] = DEFAULTS[name]
    if given["offline"] == Offline.FAIL:
        _wait_long_enough(given)
    return given, _problems(given)


def relevant(given: Mapping[str, object]) -> set[str]:
    """The settings that mean something with this strategy."""
    names = {"kind", *FOLDED}
    if given["offline"] == Offline.WAIT:
        names.discard("offline_after_seconds")
    if given["offline"] == Offline.FAIL:
        names.discard("offline_wait_seconds")
    if given["kind"] != IMMEDIATE:
        names |= {"order"} | ({"order_label"} if given["order"] == "label" else set())
    if strategy.has_canary(given):
        names |= {"canary_by", "canary_gate", f"canary_{given['canary_by']}"}
        names |= {"canary_soak_seconds"} if given["canary_gate"] == "automatic" else set()
    if strategy.has_batches(given):
        names |= {"batch_by", "batch_gate", f"batch_{given['batch_by']}"}
        names |= {"batch_delay_seconds"} if given["batch_gate"] == "automatic" else set()
    return names


def _problems(given: Mapping[str, object]) -> dict[str, str]:
    try:
        strategy.checked(given)
    except StrategyError as error:
        return {name: _in_words(name, text, given) for name, text in error.problems.items()}
    return {}


def _in_words(name: str, problem: str, given: Mapping[str, object]) -> str:
    """Limits of a duration are said in its units."""
    limit = strategy.LIMITS.get(name)
    value = given[name]
    if name not in DURATIONS.values() or limit is None:
        return problem
    if isinstance(value, int) and limit.least <= value <= limit.most:
        return problem
    return f"must be a number, and between {duration(limit.least)} and {duration(limit.most)}"


def _value(name: str, texts: Mapping[str, str]) -> object:
    if name.endswith(SUFFIX):
        field = name.removesuffix(SUFFIX)
        return _seconds(texts[field], texts[f"{field}_unit"])
    text = texts[name].strip()
    if name in strategy.OPTIONAL and not text:
        return None
    if name in strategy.PERCENTAGES:
        return text.removesuffix("%").strip().replace(",", ".")
    if name in strategy.LIMITS:
        return _whole(text)
    return _whole(text.replace(",", ".")) if name == "max_failures" else text


def _whole(text: str) -> object:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(text) < 10 else text


def _seconds(text: str, unit: str) -> object:
    """The number of seconds; the text itself where it is no duration."""
    units = {str(seconds) for seconds, _ in UNITS}
    if unit not in units or not _NUMBER.fullmatch(text.strip()):
        return text
    return round(Decimal(text.strip().replace(",", ".")) * int(unit))


def _in_units(seconds: int) -> tuple[str, str]:
    for unit, _ in UNITS:
        if seconds and seconds % unit == 0:
            return str(seconds // unit), str(unit)
    return "0", "60"


def _wait_long_enough(given: dict[str, object]) -> None:
    """The time at most is not shown then, so it must not end before the time that is."""
    after, most = given["offline_after_seconds"], given["offline_wait_seconds"]
    if isinstance(after, int) and isinstance(most, int):
        given["offline_wait_seconds"] = max(after, most)
