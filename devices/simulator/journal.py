"""The journal: one JSON object per line for everything a simulated client did."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Line:
    """What one client did at one moment; facts that do not apply are None."""

    at: str
    client: str
    event: str
    device: str | None = None
    deployment: str | None = None
    digest: str | None = None
    version: int | None = None
    state: str | None = None
    status: int | None = None
    reason: str | None = None


class Journal:
    """An append-only file of lines, each of which is with the system as soon as it is written.

    `clock` answers the present moment; it is asked once per line.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        torn = _ends_in_the_middle_of_a_line(path)
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self._clock = clock
        if torn:
            self._file.write("\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(
        self,
        event: str,
        client: str,
        device: str | None = None,
        *,
        deployment: str | None = None,
        digest: str | None = None,
        version: int | None = None,
        state: str | None = None,
        status: int | None = None,
        reason: str | None = None,
    ) -> None:
        """Append one line with the facts that are given."""
        facts = {
            "at": self._clock().isoformat(timespec="milliseconds"),
            "client": client,
            "device": device,
            "event": event,
            "deployment": deployment,
            "digest": digest,
            "version": version,
            "state": state,
            "status": status,
            "reason": reason,
        }
        known = {name: fact for name, fact in facts.items() if fact is not None}
        self._file.write(json.dumps(known) + "\n")


def read(path: Path, event: str | None = None) -> list[Line]:
    """The lines of a journal in the order written, only those of `event` if one is given.

    A line that a kill cut in half is left out. A journal that does not exist yet is empty.
    """
    return [line for line in _lines(path) if event is None or line.event == event]


def installs(path: Path) -> list[Line]:
    """Every completed installation, in order."""
    return read(path, "installed")


def reports(path: Path) -> list[Line]:
    """Every status report that the server answered, in order, with the answer's HTTP status."""
    return read(path, "reported")


def last_outcomes(path: Path) -> dict[tuple[str, str], Line]:
    """The last thing that came of each deployment, by client and deployment id."""
    return {
        (line.client, line.deployment): line
        for line in _lines(path)
        if line.deployment is not None and line.event in ("installed", "failed", "removed", "kept")
    }


def _lines(path: Path) -> Iterator[Line]:
    if not path.exists():
        return
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Line(**json.loads(text))
        except ValueError:
            continue


def _ends_in_the_middle_of_a_line(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
