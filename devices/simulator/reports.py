"""Status reports as they go over the wire, in the dialects that clients in the field speak."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How a client writes `adoptedManifestVersion`."""

    NUMBER = "number"
    STRING = "string"
    ABSENT = "absent"


# Margo: deployment status; the later the word, the milder. The printed list names `removing`
# twice, the second is taken as `removed`.
SEVERITY = ("failed", "removing", "installing", "pending", "removed", "installed")


@dataclass(frozen=True)
class Fault:
    """What went wrong, in the three strings of the standard."""

    code: str
    source: str
    message: str


@dataclass(frozen=True)
class Report:
    """One status report; `components` pairs each component's name with its state.

    `behind` is by how many versions the report lags the manifest that the client has adopted:
    0 unless the device misbehaves.
    """

    deployment_id: str
    components: tuple[tuple[str, str], ...]
    fault: Fault | None = None
    behind: int = 0

    @property
    def state(self) -> str:
        """The overall state: that of the component which is worst off."""
        return overall(state for _, state in self.components)


def overall(states: Iterable[str]) -> str:
    """The most severe of the components' states."""
    return min(states, key=SEVERITY.index)


def body(report: Report, *, child: str | None, version: int, style: Style) -> dict[str, object]:
    """The JSON members of a report; `child` is the device's id if it is behind a gateway.

    `version` is the adopted manifest version to be told, if the style tells it at all.
    """
    members: dict[str, object] = {"deploymentId": report.deployment_id}
    if child is not None:
        members["deviceId"] = child
    members |= _version_members(version, style)
    members["status"] = {"state": report.state} | _error(report.fault, report.state)
    members["components"] = [
        {"name": name, "state": state} | _error(report.fault, state)
        for name, state in report.components
    ]
    return members


def encode(members: dict[str, object]) -> bytes:
    """The exact bytes of a request body."""
    return json.dumps(members, separators=(",", ":")).encode()


def _version_members(version: int, style: Style) -> dict[str, object]:
    if style is Style.NUMBER:
        return {"adoptedManifestVersion": version}
    if style is Style.STRING:
        return {"adoptedManifestVersion": str(version)}
    # Clients from before the adopted version also wrap their bodies in an envelope.
    return {"apiVersion": "deployment.margo.org/v1alpha1", "kind": "DeploymentStatusManifest"}


def _error(fault: Fault | None, state: str) -> dict[str, dict[str, str]]:
    if fault is None or state != "failed":
        return {}
    return {"error": {"code": fault.code, "source": fault.source, "message": fault.message}}
