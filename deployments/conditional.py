"""What a device's conditional and accepting headers ask for (RFC 9110)."""

import re
from collections.abc import Iterable

ENTITY_TAG = re.compile(r'(?:[Ww]/)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s",]+))')
RANGE = re.compile(r"(?P<type>[\w!#$&^.+*-]+)/(?P<subtype>[\w!#$&^.+*-]+)", re.ASCII)
WEIGHT = re.compile(r"[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def etag_matches(if_none_match: str | None, digest: str) -> bool:
    """Whether an If-None-Match header says that the device holds the content with this digest.

    A list, `*` and weak forms are taken as RFC 9110 says (weak comparison); an unquoted digest too,
    because some devices send it that way.
    """
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    tags = ENTITY_TAG.finditer(if_none_match)
    return any(digest in (tag["quoted"], tag["bare"]) for tag in tags)


def accepts(accept: str | None, media_type: str) -> bool:
    """Whether an Accept header admits the media type.

    The most specific range that covers the type decides, and a weight of 0 excludes. A missing or
    empty header admits everything, and so does one that cannot be understood: a device whose header
    is broken still needs its manifest.
    """
    ranges = _ranges(accept or "")
    if not ranges:
        return True
    kind = media_type.partition("/")[0]
    for candidate in (media_type.lower(), f"{kind}/*".lower(), "*/*"):
        if candidate in ranges:
            return ranges[candidate] > 0
    return False


def _ranges(accept: str) -> dict[str, float]:
    """The weights by media range; none when any part of the header is not understood."""
    ranges: dict[str, float] = {}
    for element in filter(None, (part.strip() for part in accept.split(","))):
        name, *settings = (part.strip() for part in element.split(";"))
        weight = _weight(settings)
        if weight is None or not RANGE.fullmatch(name):
            return {}
        ranges[name.lower()] = weight
    return ranges


def _weight(settings: Iterable[str]) -> float | None:
    """The weight among a range's parameters, 1 without one, None for one that is no weight."""
    for setting in settings:
        if setting[:2].lower() == "q=":
            match = WEIGHT.fullmatch(setting)
            return float(match[1]) if match else None
    return 1
