"""What handlers of the device interface get and give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from devices.models import Client


@dataclass(frozen=True, slots=True)
class Request:
    """One request of an accepted client.

    `client` follows from the TLS connection alone, never from the path or the body. `path` is as
    it came, still percent-encoded; `params` are decoded. Header names are in lower case; a header
    that came several times has its values joined by commas.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client: Client
    spiffe_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, exact bytes, and headers; Content-Length is added on the way out."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Answer]
"""A handler is an ordinary function that runs in a thread; it refuses with `ProblemError`."""
