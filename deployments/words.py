"""Numbers in words, the same in every sentence."""

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def devices(number: int) -> str:
    """A number of devices."""
    return counted(number, "device")


def duration(seconds: int) -> str:
    """A duration in the largest unit in which it is a whole number."""
    for unit, name in UNITS:
        if seconds % unit == 0 and seconds >= unit:
            return counted(seconds // unit, name)
    return "0 seconds"


def counted(number: int, noun: str) -> str:
    """One thing or several."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
