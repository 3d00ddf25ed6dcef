"""Numbers in words, the same in every sentence."""

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def devices(number: int) -> str:
    """A number of devices."""
    return counted(number, "device")


def duration(seconds: int) -> str:
    """A duration to the second: "4 minutes 7 seconds"."""
    parts = []
    for unit, name in UNITS:
        number, seconds = divmod(seconds, unit)
        parts += [counted(number, name)] if number else []
    return " ".join(parts) or "0 seconds"


def counted(number: int, noun: str) -> str:
    """One thing or several."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
