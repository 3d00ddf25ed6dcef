"""Refusals as devices read them: problem documents (RFC 9457, Margo: problem types)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from devices.southbound.http import Answer

_TYPES = "https://docs.margo.org/specification/problem-types#"
_RETRY_SECONDS = {500: 30, 503: 5, 429: 10}


class Kind(Enum):
    """The registered problem types: wire name, status, title."""

    INVALID_REQUEST = ("invalid-request", 400, "Invalid Request")
    SEMANTIC_ERROR = ("semantic-error", 422, "Semantic Error")
    NOT_AUTHORIZED = ("not-authorized", 403, "Not Authorized")
    GATEWAY_NOT_FOUND = ("gateway-not-found", 404, "Gateway Not Found")
    DEVICE_NOT_FOUND = ("device-not-found", 404, "Device Not Found")
    INVALID_BUNDLE = ("invalid-bundle", 404, "Invalid Bundle")
    DEPLOYMENT_NOT_FOUND = ("deployment-not-found", 404, "Deployment Not Found")
    NOT_ACCEPTABLE = ("server-cannot-generate-response", 406, "Server Cannot Generate Response")

    def __init__(self, wire_name: str, status: int, title: str) -> None:
        self.wire_name = wire_name
        self.status = status
        self.title = title


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one member of a body; `field` is its path, like `properties.id`."""

    field: str
    message: str


class ProblemError(Exception):
    """A refusal of a request; the application answers with its problem document.

    `what` is a registered kind, or a bare HTTP status for conditions that Margo has no type for.
    `retry_after_seconds` is for 429, 500 and 503 alone; left out, a fitting one is sent.
    """

    def __init__(
        self,
        what: Kind | int,
        detail: str,
        *,
        title: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = what if isinstance(what, Kind) else None
        self.status = what.status if isinstance(what, Kind) else what
        self.title = title
        self.errors = errors
        self.headers = dict(headers or {})
        self.retry_after_seconds = retry_after_seconds


def problem(refusal: ProblemError, instance: str) -> Answer:
    """Spell a refusal of the request to the path `instance` as a problem document."""
    document: dict[str, object] = {
        "type": _TYPES + refusal.kind.wire_name if refusal.kind else "about:blank",
        "title": refusal.title or _title(refusal),
        "status": refusal.status,
        "detail": str(refusal),
        "instance": instance,
    }
    headers = {"Content-Type": "application/problem+json", **refusal.headers}
    document |= _retry(refusal, headers)
    if refusal.errors:
        document["errors"] = [
            {"field": error.field, "message": error.message} for error in refusal.errors
        ]
    return Answer(refusal.status, json.dumps(document).encode(), headers)


def _title(refusal: ProblemError) -> str:
    return refusal.kind.title if refusal.kind else HTTPStatus(refusal.status).phrase


def _retry(refusal: ProblemError, headers: dict[str, str]) -> dict[str, object]:
    """Say whether to try again, and set Retry-After where it is due (Margo: API requirements)."""
    seconds = refusal.retry_after_seconds or _RETRY_SECONDS.get(refusal.status)
    if refusal.status not in _RETRY_SECONDS or seconds is None:
        return {"retryable": False, "backoffStrategy": "none"}
    headers["Retry-After"] = str(seconds)
    return {"retryable": True, "backoffStrategy": "exponential", "retryAfterSeconds": seconds}
