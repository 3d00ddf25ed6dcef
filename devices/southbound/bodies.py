"""Reads JSON bodies that strangers wrote."""

import json
import math
import re
from collections.abc import Iterator

from devices.southbound.problems import FieldError, Kind, ProblemError

_MAX_DEPTH = 64
# Neither database can keep a NUL or half a surrogate pair in a text.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def json_object(body: bytes) -> tuple[dict[str, object], str]:
    """Return a body's JSON object and its text, which is safe to store.

    Raises `ProblemError`: 400 when it is no JSON object in UTF-8, or nested too deep; 422 when a
    text in it has characters that cannot be kept.
    """
    document, text = _parsed(body)
    if errors := list(_unstorable(document, "")):
        raise ProblemError(
            Kind.SEMANTIC_ERROR, "The body has characters that cannot be kept.", errors=errors[:20]
        )
    return document, text


def mended_object(body: bytes) -> dict[str, object]:
    """Return a body's JSON object, with U+FFFD in place of characters that cannot be kept.

    For what must not be lost over an odd character, since devices drop what was refused. Raises
    `ProblemError` 400 when it is no JSON object in UTF-8, or nested too deep.
    """
    document, _ = _parsed(body)
    return {_mended_text(key): _mended(member) for key, member in document.items()}


def _parsed(body: bytes) -> tuple[dict[str, object], str]:
    try:
        text = body.decode("utf-8-sig")
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ProblemError(Kind.INVALID_REQUEST, "The body is not JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise ProblemError(Kind.INVALID_REQUEST, "The body is not a JSON object.")
    if _depth_exceeds(document, _MAX_DEPTH):
        raise ProblemError(Kind.INVALID_REQUEST, f"The body is nested deeper than {_MAX_DEPTH}.")
    return document, text


def _refuse_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("The number is too large")
    return number


def _depth_exceeds(value: object, limit: int) -> bool:
    layer = [value]
    for _ in range(limit):
        layer = [child for parent in layer for child in _children(parent)]
        if not layer:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _unstorable(value: object, field: str) -> Iterator[FieldError]:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        yield FieldError(field, "has a NUL or half a character")
    elif isinstance(value, dict):
        for key, member in value.items():
            if _UNSTORABLE.search(key):
                yield FieldError(field, "has a member name with a NUL or half a character")
            else:
                yield from _unstorable(member, f"{field}.{key}" if field else key)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _unstorable(member, f"{field}[{index}]")


def _mended(value: object) -> object:
    if isinstance(value, str):
        return _mended_text(value)
    if isinstance(value, dict):
        return {_mended_text(key): _mended(member) for key, member in value.items()}
    return [_mended(member) for member in value] if isinstance(value, list) else value


def _mended_text(text: str) -> str:
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
