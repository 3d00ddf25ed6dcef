"""The demo's surroundings: a data directory of its own, and ports that nobody uses."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from config.serving.parts import CannotStartError

FIRST = {"LINESIDE_WEB_PORT": 8000, "LINESIDE_DEVICE_PORT": 8443}
_TRIES = 50
READY = "LINESIDE_DEMO_READY"


def surroundings(base_dir: Path) -> dict[str, str]:
    """The environment for the demo's process; what a person has set stays as it is.

    Raises `CannotStartError` when no port is free.
    """
    chosen = {"LINESIDE_DATA_DIR": str(base_dir / "data" / "demo")}
    for setting, first in FIRST.items():
        host = os.environ.get(setting.replace("PORT", "HOST"), "127.0.0.1")
        chosen[setting] = os.environ.get(setting) or str(next_free(host, first))
    web_host = os.environ.get("LINESIDE_WEB_HOST", "127.0.0.1")
    chosen["LINESIDE_URL"] = f"http://{web_host}:{chosen['LINESIDE_WEB_PORT']}"
    given = {name: value for name, value in os.environ.items() if value}
    # The demo is the embedded portal, whatever a person's shell says about a real one.
    alone = {"LINESIDE_DATABASE_URL": "", "LINESIDE_REDIS_URL": ""}
    return {**chosen, **given, **alone, READY: "1"}


def moved(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each usual port that is taken, so that another one was chosen."""
    return [
        f"Port {first} is taken, so the demo takes {environment[setting]}."
        for setting, first in FIRST.items()
        if not os.environ.get(setting) and environment[setting] != str(first)
    ]


def next_free(host: str, first: int) -> int:
    """The first port from `first` on that can be had on this host."""
    for port in range(first, first + _TRIES):
        if _is_free(host, port):
            return port
    raise CannotStartError(
        f"None of the ports {first} to {first + _TRIES - 1} on {host} is free: set "
        "LINESIDE_WEB_PORT and LINESIDE_DEVICE_PORT to free ones."
    )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError:
        return False
    return True
