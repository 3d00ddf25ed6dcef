"""Names that tell deployments apart."""

import re

from deployments.models import Deployment

#: So long a name may be.
LONGEST = 200
#: Of more deployments that begin alike, the newest have the highest numbers.
LOOKED_AT = 500
#: The number behind a name that others have as well.
_NUMBER = re.compile(r" \((\d{1,6})\)\Z", re.ASCII)


def free(name: str) -> str:
    """The name, or "name (2)" where a listed deployment has it already, and so on.

    One query; a name that somebody else takes in this moment is no harm.
    """
    base = _NUMBER.sub("", name)[: LONGEST - len(" (999999)")]
    listed = Deployment.objects.listed().filter(name__startswith=base).order_by("-pk")
    names = listed.values_list("name", flat=True)[:LOOKED_AT]
    taken = max((_number(one, base) for one in names), default=0)
    return f"{base} ({taken + 1})" if taken else base


def _number(name: str, base: str) -> int:
    """1 for the name itself, 2 for the second of its name; 0 for another name."""
    if name == base:
        return 1
    found = _NUMBER.fullmatch(name, len(base))
    return int(found[1]) if found else 0
