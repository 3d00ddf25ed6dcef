"""Time zones: which ones a person can choose, and the one that times are shown in."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User

#: The parts of the world that zones are named after; the other names are older ones for the same.
REGIONS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@cache
def names() -> tuple[str, ...]:
    """The zones to choose from, by name; this machine's list, read once."""
    named = (one for one in available_timezones() if one.partition("/")[0] in REGIONS)
    return ("UTC", *sorted(named))


def choices() -> list[tuple[str, str]]:
    """The zones as a menu, the portal's own first."""
    return [
        ("", f"As the portal has it ({timezone.get_default_timezone_name()})"),
        *((name, name.replace("_", " ")) for name in names()),
    ]


def zone_of(user: User | AnonymousUser) -> ZoneInfo | None:
    """The person's own zone; None without one, or when this machine does not know it any more."""
    name = user.time_zone if isinstance(user, User) else ""
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):
        return None
