"""Reads a status report's document: Margo's words in, ours out, faults by field."""

from collections.abc import Mapping

from deployments.reports import Component, Report
from deployments.states import Status
from devices.southbound.problems import FieldError

LARGEST_VERSION = 2**64 - 1
#: The six words of the standard, and what we call them.
STATES: dict[str, Status] = {
    "pending": Status.PENDING,
    "installing": Status.INSTALLING,
    "installed": Status.INSTALLED,
    "failed": Status.FAILED,
    "removing": Status.REMOVING,
    "removed": Status.REMOVED,
}


def read(document: Mapping[str, object], uid: str) -> tuple[Report | None, list[FieldError]]:
    """The report, or what is wrong with it. Unknown members are ignored.

    `adoptedManifestVersion` may be a number, a decimal string, or missing (older clients).
    """
    faults: list[FieldError] = []
    if document.get("deploymentId") != uid:
        faults.append(FieldError("deploymentId", "must be the id in the path"))
    adopted = _version(document.get("adoptedManifestVersion"), faults)
    state, error = _state(document.get("status"), "status", faults)
    components = _components(document.get("components"), faults)
    device = document.get("deviceId")
    if device is not None and not isinstance(device, str):
        faults.append(FieldError("deviceId", "must be a string"))
    if faults or state is None:
        return None, faults
    path = device if isinstance(device, str) else None
    return Report(state, adopted, tuple(components), error, path), []


def _version(value: object, faults: list[FieldError]) -> int | None:
    if value is None:
        return None
    number = _whole(value)
    if number is None or not 1 <= number <= LARGEST_VERSION:
        message = "must be a whole number from 1 to 18446744073709551615"
        faults.append(FieldError("adoptedManifestVersion", message))
        return None
    return number


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        return int(value)
    return None


def _components(value: object, faults: list[FieldError]) -> list[Component]:
    if not isinstance(value, list):
        faults.append(FieldError("components", "must be a list with an entry for each component"))
        return []
    found: list[Component] = []
    for index, entry in enumerate(value):
        field = f"components[{index}]"
        state, error = _state(entry, field, faults)
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            faults.append(FieldError(f"{field}.name", "must be the component's name"))
        elif state is not None:
            found.append(Component(name[:200], state, error))
    return found


def _state(value: object, field: str, faults: list[FieldError]) -> tuple[Status | None, str]:
    if not isinstance(value, dict):
        faults.append(FieldError(field, "must be an object with a state"))
        return None, ""
    word = value.get("state")
    state = STATES.get(word) if isinstance(word, str) else None
    if state is None:
        faults.append(FieldError(f"{field}.state", f"must be one of {', '.join(STATES)}"))
    return state, _error(value.get("error"), f"{field}.error", faults)


def _error(value: object, field: str, faults: list[FieldError]) -> str:
    """An error in one line; three empty strings mean that there is none."""
    if value is None:
        return ""
    if not isinstance(value, dict):
        faults.append(FieldError(field, "must be an object"))
        return ""
    code, source, message = (_text(value.get(name)) for name in ("code", "source", "message"))
    origin = " ".join(part for part in (source, f"({code})" if code else "") if part)
    return ": ".join(part for part in (origin, message) if part)


def _text(value: object) -> str:
    """The text; a code that came as a number is taken as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
