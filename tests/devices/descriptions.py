"""What a device says of itself, and what every refusal of it must look like."""

from typing import cast

import httpx

TYPES = "https://docs.margo.org/specification/problem-types#"
Document = dict[str, object]


def url(path: str) -> str:
    """Return where a device is described."""
    return f"/api/v1/capabilities/{path}"


def document(path: str = "press-1", **properties: object) -> Document:
    """Describe a device that runs nothing itself."""
    identity = {"id": path, "vendor": "Acme", "modelNumber": "P2", "serialNumber": "0042"}
    return {"properties": {**identity, **properties}}


def hosting(path: str = "press-1") -> Document:
    """Describe a device that runs workloads."""
    return document(
        path,
        cpus=[{"cores": 4, "architecture": "amd64"}, {"cores": 0.5}],
        memory="16Gi",
        storage="59 Gi",
        peripherals=[{"type": "gpu", "manufacturer": "Acme", "model": "G1"}],
        interfaces=[{"type": "ethernet"}],
        otelCollector=False,
        supportedRuntimes=["oci"],
        supportedDeploymentTypes=["helm", "compose"],
    )


def changed(**properties: object) -> Document:
    """Describe one with other properties."""
    whole = hosting()
    return {"properties": {**cast("Document", whole["properties"]), **properties}}


def without(member: str) -> Document:
    """Describe one that keeps a property to itself."""
    properties = {**cast("Document", hosting()["properties"])}
    del properties[member]
    return {"properties": properties}


def assert_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, object]:
    """Check everything that every problem document must have; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, object] = answer.json()
    assert told["type"] == (TYPES + kind if kind else "about:blank")
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["instance"] == answer.request.url.raw_path.decode()
    assert (told["retryable"], told["backoffStrategy"]) == (False, "none")
    assert "retry-after" not in answer.headers
    return told


def fields(told: dict[str, object]) -> list[str]:
    """Return what a problem complains about."""
    return [error["field"] for error in cast("list[dict[str, str]]", told["errors"])]
