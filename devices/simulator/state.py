"""What a client keeps over a restart: manifest, deployments and reports still to be sent."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devices.simulator.desired import Component, Work


@dataclass
class Holding:
    """One deployment as the client holds it.

    `wanted` is the digest that the manifest asks for since version `since`, `installed` the one
    that really runs (None: nothing does). `device` is None if the client has no such device.
    `settled` says that nothing is left to be done for `wanted`; `leaving` that the manifest names
    the deployment no more.
    """

    work: Work
    device: str | None
    wanted: str
    since: int
    installed: str | None = None
    settled: bool = False
    leaving: bool = False


@dataclass(frozen=True)
class Sending:
    """A report on its way: kept until the server has answered it."""

    deployment_id: str
    device: str
    state: str
    version: int
    body: dict[str, object]


@dataclass
class ClientState:
    """Everything that a client remembers."""

    manifest_version: int = 0
    etag: str | None = None
    holdings: dict[str, Holding] = field(default_factory=dict)
    outbox: list[Sending] = field(default_factory=list)


class StateError(Exception):
    """A saved state cannot be read; the text says which."""


def state_path(fleet: Path, client: str) -> Path:
    """Where the state of a client is kept."""
    return fleet / "state" / f"{client}.json"


class Memory:
    """A client's state and the file that it is kept in."""

    def __init__(self, path: Path) -> None:
        """Load what `path` holds, if it exists. Raises StateError."""
        self._path = path
        self._touched = False
        try:
            self.state = _load(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(f"{path} cannot be read: {error!r}.") from error

    def touch(self) -> None:
        """Say that the state has changed and is worth saving soon."""
        self._touched = True

    def save(self) -> None:
        """Save the state if it was touched since the last time."""
        if self._touched:
            _save(self.state, self._path)
            self._touched = False


def _load(path: Path) -> ClientState:
    if not path.exists():
        return ClientState()
    saved = json.loads(path.read_text(encoding="utf-8"))
    return ClientState(
        manifest_version=saved["manifest_version"],
        etag=saved["etag"],
        holdings={
            key: Holding(**{**each, "work": _work(each["work"], each["work"]["components"])})
            for key, each in saved["holdings"].items()
        },
        outbox=[Sending(**each) for each in saved["outbox"]],
    )


def _save(state: ClientState, path: Path) -> None:
    # Replaced in one move, so that a kill leaves the old state or the new one.
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state), separators=(",", ":")), encoding="utf-8")
    os.replace(fresh, path)


def _work(saved: Mapping[str, str], components: Iterable[Mapping[str, str]]) -> Work:
    return Work(
        deployment_id=saved["deployment_id"],
        device_id=saved["device_id"],
        application_id=saved["application_id"],
        application_version=saved["application_version"],
        components=tuple(Component(**each) for each in components),
    )
