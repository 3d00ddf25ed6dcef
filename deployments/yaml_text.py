"""A YAML writer for JSON values whose output every YAML 1.1 and 1.2 reader understands alike.

A general YAML library leaves a text bare where its own version of YAML sees a text in it: "0o17" is
one in YAML 1.1 and the number 15 in YAML 1.2. Devices bring readers of both, so here every text is
quoted, nothing is folded, nothing is aliased, and the same value always gives the same bytes.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

BARE_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}", re.ASCII)
# Bare words that YAML 1.1 or 1.2 does not read as text.
RESERVED_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
# A reader need not look further than this for the colon behind a key.
LONGEST_KEY = 1000
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
NEEDS_ESCAPE = re.compile(
    r'["\\\x00-\x1f\x7f-\xa0\u00ad\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]'
)


def yaml_text(value: Mapping[str, object]) -> str:
    """The value as a YAML document in block style, mappings in the order they are given.

    Raises ValueError for what JSON cannot hold either: infinities, lone surrogates, other types.
    """
    return "".join(f"{line}\n" for line in _mapping_lines(value))


def _mapping_lines(mapping: Mapping[str, object]) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, Mapping) and value:
            yield f"{_key(key)}:"
            yield from (f"  {line}" for line in _mapping_lines(value))
        elif _is_list(value) and value:
            yield f"{_key(key)}:"
            yield from (f"  {line}" for line in _list_lines(value))
        else:
            yield f"{_key(key)}: {_scalar(value)}"


def _list_lines(items: Sequence[object]) -> Iterator[str]:
    for item in items:
        lines = iter(_item_lines(item))
        yield f"- {next(lines)}"
        yield from (f"  {line}" for line in lines)


def _item_lines(item: object) -> Iterator[str]:
    if isinstance(item, Mapping) and item:
        return _mapping_lines(item)
    if _is_list(item) and item:
        return _list_lines(item)
    return iter((_scalar(item),))


def _key(key: str) -> str:
    if BARE_KEY.fullmatch(key) and key.lower() not in RESERVED_WORDS:
        return key
    if len(key) > LONGEST_KEY:
        raise ValueError(f"A name of {len(key)} characters is too long for a YAML document.")
    return _quoted(key)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    return _empty(value)


def _empty(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if _is_list(value):
        return "[]"
    raise ValueError(f"A {type(value).__name__} cannot be written to a YAML document.")


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("An infinite number cannot be written to a YAML document.")
    mantissa, exponent, power = repr(value).partition("e")
    # Without a point YAML 1.1 takes 1e+20 for a text.
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}{exponent}{power}"


def _quoted(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("Half a character (a lone surrogate) cannot be written to YAML.")
    return f'"{NEEDS_ESCAPE.sub(_escaped, text)}"'


def _escaped(match: re.Match[str]) -> str:
    return ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)
