"""A device's own description, as people read it."""

import json
from collections.abc import Callable

from devices.models import Device

RUNTIMES = {"oci": "Containers (OCI)", "custom": "Custom"}
DEPLOYMENT_TYPES = {"helm": "Helm charts", "compose": "Compose files", "custom": "Custom"}
INTERFACES = {
    "wifi": "Wi-Fi",
    "usb": "USB",
    "canbus": "CAN bus",
    "rs232": "RS-232",
}
PERIPHERALS = {"gpu": "GPU"}


def facts(device: Device) -> list[tuple[str, str]]:
    """What it has and can run, in the order in which people ask; only what it said."""
    properties = device.properties if isinstance(device.properties, dict) else {}
    return [
        (words, said)
        for words, name, read in _ROWS
        if name in properties and (said := read(properties[name]))
    ]


def document(device: Device) -> str:
    """The capabilities document laid out for reading; the text as it came if it is no JSON."""
    try:
        return json.dumps(json.loads(device.capabilities), indent=2, ensure_ascii=False)
    except ValueError:
        return device.capabilities


def _cpus(value: object) -> str:
    return ", ".join(
        f"{_number(one.get('cores'))} cores {one.get('architecture', '')}".strip()
        for one in _items(value)
    )


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _interfaces(value: object) -> str:
    return ", ".join(_named(str(one.get("type")), INTERFACES) for one in _items(value))


def _peripherals(value: object) -> str:
    return ", ".join(_peripheral(one) for one in _items(value))


def _peripheral(one: dict[str, object]) -> str:
    maker = " ".join(str(one[part]) for part in ("manufacturer", "model") if one.get(part))
    name = _named(str(one.get("type")), PERIPHERALS)
    return f"{name} ({maker})" if maker else name


def _words(known: dict[str, str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        words = value if isinstance(value, list) else [value]
        return ", ".join(_named(str(word), known) for word in words)

    return read


def _quantity(value: object) -> str:
    text = str(value).strip()
    number = text.rstrip("KMGTPEi")
    return f"{number.strip()} {text[len(number) :]}B" if number != text else text


def _yes(value: object) -> str:
    return "Yes" if value else "No"


def _named(word: str, known: dict[str, str]) -> str:
    return known.get(word, word.capitalize())


def _items(value: object) -> list[dict[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


_ROWS: tuple[tuple[str, str, Callable[[object], str]], ...] = (
    ("Runs", "supportedDeploymentTypes", _words(DEPLOYMENT_TYPES)),
    ("Runtimes", "supportedRuntimes", _words(RUNTIMES)),
    ("CPU", "cpus", _cpus),
    ("Memory", "memory", _quantity),
    ("Storage", "storage", _quantity),
    ("Peripherals", "peripherals", _peripherals),
    ("Interfaces", "interfaces", _interfaces),
    ("Collects telemetry", "otelCollector", _yes),
)
