"""Finds the handler for a request from its path as it was sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from devices.southbound.http import Handler
from devices.southbound.problems import ProblemError

MAX_PATH_LENGTH = 2048
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern, like `/api/v1/bundles/{digest}`.

    `{name}` takes one segment; `{name:path}`, at the end, takes the rest, slashes included. A
    body of more than `body_limit_bytes` is refused before the handler sees it.
    """

    method: str
    pattern: str
    handler: Handler
    body_limit_bytes: int = _MEBIBYTE


class RouteTable:
    """All routes of the device interface."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, route.pattern.split("/")) for route in routes]

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and the decoded parameters; raise `ProblemError` 404, 405 or 414.

        The path is cut at its slashes before it is decoded, so an encoded slash never makes a
        segment; HEAD is answered by the route for GET.
        """
        if len(raw_path) > MAX_PATH_LENGTH:
            raise ProblemError(414, f"The path is longer than {MAX_PATH_LENGTH} characters.")
        wanted = "GET" if method == "HEAD" else method
        fitting = list(self._fitting(raw_path.split("/")))
        for route, params in fitting:
            if route.method == wanted:
                return route, params
        if fitting:
            allowed = ", ".join(sorted({route.method for route, _ in fitting}))
            raise ProblemError(405, f"{method} is not possible here.", headers={"Allow": allowed})
        raise ProblemError(404, "There is nothing at this path.")

    def _fitting(self, segments: list[str]) -> Iterable[tuple[Route, dict[str, str]]]:
        for route, pattern in self._routes:
            params = _match(pattern, segments)
            if params is not None:
                yield route, params


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    takes_rest = pattern[-1].endswith(":path}")
    if takes_rest and len(segments) >= len(pattern):
        segments = [*segments[: len(pattern) - 1], "/".join(segments[len(pattern) - 1 :])]
    if len(segments) != len(pattern):
        return None
    params: dict[str, str] = {}
    for part, segment in zip(pattern, map(_decoded, segments), strict=True):
        if part.startswith("{"):
            params[part.strip("{}").removesuffix(":path")] = segment
        elif part != segment:
            return None
    return params if _usable(params) else None


def _usable(params: Mapping[str, str]) -> bool:
    # No id holds a NUL, and PostgreSQL refuses to look for one.
    return all(value and "\0" not in value for value in params.values())


def _decoded(segment: str) -> str:
    """Undo percent-encoding; what is not UTF-8 becomes a character that is in no id."""
    return unquote(segment, errors="replace")
