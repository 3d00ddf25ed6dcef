"""Checks a capabilities document against the standard, member by member; pure.

Unknown members are ignored, extensions among them (Margo: device capabilities).
"""

import re
from collections.abc import Callable, Iterator

from devices.label_limits import excess
from devices.southbound.problems import FieldError

_DEVICE_ID = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*")
_MAX_ID_LENGTH = 500
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)? ?(Ki|Mi|Gi)")
_STORAGE = re.compile(r"[0-9]+(\.[0-9]+)? ?(Ki|Mi|Gi|Ti|Pi|Ei)")

_ARCHITECTURES = ("amd64", "arm64", "arm")
_PERIPHERALS = ("gpu", "display", "camera", "microphone", "speaker")
_INTERFACES = ("ethernet", "wifi", "cellular", "bluetooth", "usb", "canbus", "rs232")
_RUNTIMES = ("oci", "custom")
_DEPLOYMENT_TYPES = ("helm", "compose", "custom")
_CUSTOM = "custom"

_Object = dict[str, object]
_Faults = Iterator[FieldError]
_Check = Callable[[str, object], _Faults]


def is_device_id(text: str) -> bool:
    """Tell whether `text` is a device id: segments of unreserved characters, none of them dots.

    The pattern of the standard lets `.` and `..` through; as segments of a path they would name
    something else than they say, so they are refused.
    """
    dots = {".", ".."} & set(text.split("/"))
    return _DEVICE_ID.fullmatch(text) is not None and not dots and len(text) <= _MAX_ID_LENGTH


def with_custom_types(document: _Object) -> _Object:
    """Return the document with unknown deployment types read as `custom`."""
    properties = document.get("properties")
    types = properties.get("supportedDeploymentTypes") if isinstance(properties, dict) else None
    if not isinstance(types, list) or not isinstance(properties, dict):
        return document
    known = [_CUSTOM if _unknown(kind) else kind for kind in types]
    return {**document, "properties": {**properties, "supportedDeploymentTypes": known}}


def faults(document: _Object, path: str) -> list[FieldError]:
    """Return everything that is wrong with the document that was sent for the device `path`."""
    properties = document.get("properties")
    found: list[FieldError] = []
    if isinstance(properties, dict):
        found += _properties(properties, path)
    else:
        found.append(FieldError("properties", "is required and must be an object"))
    if "labels" in document:
        found += _labels(document["labels"])
    return found


def missing_labels(document: _Object) -> list[FieldError]:
    """Return the fault of a device that reports `custom` and sends no labels to tell it by."""
    properties = document.get("properties")
    if not isinstance(properties, dict) or document.get("labels"):
        return []
    lists = [properties.get("supportedRuntimes"), properties.get("supportedDeploymentTypes")]
    if not any(isinstance(words, list) and _CUSTOM in words for words in lists):
        return []
    return [FieldError("labels", "is required of a device that reports custom")]


def _unknown(kind: object) -> bool:
    return isinstance(kind, str) and kind not in _DEPLOYMENT_TYPES


def _properties(properties: _Object, path: str) -> _Faults:
    for name in ("id", "vendor", "modelNumber", "serialNumber"):
        yield from _text(f"properties.{name}", properties.get(name))
    if isinstance(properties.get("id"), str) and properties["id"] != path:
        yield FieldError("properties.id", "must be the device id in the path")
    for name, check in _HOSTING.items():
        if name in properties:
            yield from check(f"properties.{name}", properties[name])


def _text(field: str, value: object) -> _Faults:
    if not isinstance(value, str):
        yield FieldError(field, "is required and must be a string")


def _optional_text(field: str, value: object) -> _Faults:
    if not isinstance(value, str):
        yield FieldError(field, "must be a string")


def _boolean(field: str, value: object) -> _Faults:
    if not isinstance(value, bool):
        yield FieldError(field, "must be true or false")


def _quantity(pattern: re.Pattern[str], example: str) -> _Check:
    def check(field: str, value: object) -> _Faults:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            yield FieldError(field, f"must be a number with a binary unit, like {example}")

    return check


def _word(words: tuple[str, ...]) -> _Check:
    def check(field: str, value: object) -> _Faults:
        if value not in words:
            yield FieldError(field, f"must be one of {', '.join(words)}")

    return check


def _list_of(check_item: _Check, *, least: int = 0) -> _Check:
    def check(field: str, value: object) -> _Faults:
        if not isinstance(value, list):
            yield FieldError(field, "must be a list")
            return
        if len(value) < least:
            yield FieldError(field, "must not be empty; leave it out instead")
        for index, item in enumerate(value):
            yield from check_item(f"{field}[{index}]", item)

    return check


def _member(required: str, check_required: _Check, **optional: _Check) -> _Check:
    def check(field: str, value: object) -> _Faults:
        if not isinstance(value, dict):
            yield FieldError(field, "must be an object")
            return
        yield from check_required(f"{field}.{required}", value.get(required))
        for name, check_optional in optional.items():
            if name in value:
                yield from check_optional(f"{field}.{name}", value[name])

    return check


def _number(field: str, value: object) -> _Faults:
    if not _is_number(value):
        yield FieldError(field, "is required and must be a number")


def _labels(labels: object) -> _Faults:
    if not isinstance(labels, dict):
        yield FieldError("labels", "must be an object")
        return
    if problem := excess(labels):
        yield FieldError("labels", f"has too many members: {problem}")
        return
    for key, value in labels.items():
        if not _is_label_value(value):
            yield FieldError(
                f"labels.{key}",
                "must be a string, a number, true or false, or a list of strings or of numbers",
            )


def _is_label_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value) or all(map(_is_number, value))
    return isinstance(value, (str, bool)) or _is_number(value)


def _is_number(value: object) -> bool:
    # In Python True is a number; in JSON it is not.
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_HOSTING: dict[str, _Check] = {
    "cpus": _list_of(_member("cores", _number, architecture=_word(_ARCHITECTURES))),
    "memory": _quantity(_MEMORY, "16Gi"),
    "storage": _quantity(_STORAGE, "1Ti"),
    "peripherals": _list_of(
        _member("type", _word(_PERIPHERALS), manufacturer=_optional_text, model=_optional_text)
    ),
    "interfaces": _list_of(_member("type", _word(_INTERFACES))),
    "otelCollector": _boolean,
    "supportedRuntimes": _list_of(_word(_RUNTIMES), least=1),
    "supportedDeploymentTypes": _list_of(_word(_DEPLOYMENT_TYPES), least=1),
}
