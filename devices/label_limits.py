"""How many labels a device may have: every list of devices pays for each of them; pure."""

from collections.abc import Mapping

MOST_KEYS = 64
MOST_VALUES = 256


def excess(labels: Mapping[str, object]) -> str:
    """Why these are too many labels, as the rest of a sentence; empty when they are not."""
    if len(labels) > MOST_KEYS:
        return f"a device has at most {MOST_KEYS} different keys"
    values = sum(len(value) if isinstance(value, list) else 1 for value in labels.values())
    return f"a device has at most {MOST_VALUES} labels" if values > MOST_VALUES else ""
