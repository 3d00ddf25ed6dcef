"""What the wire tests say to the device interface, and what every answer must look like."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import httpx
import yaml
from django.apps import apps
from jsonschema import Draft202012Validator

from applications.models import ApplicationVersion
from deployments.models import Instance, StatusReport, Workload
from devices.models import Client, Device
from tests.deployments import plant
from tests.shared import SHARED
from tests.wire import Wire

Json = dict[str, object]

MANIFEST = "/api/v1/deployments"
MANIFEST_TYPE = "application/vnd.margo.manifest.v1+json"
BUNDLE_TYPE = "application/vnd.margo.bundle.v1+tar+gzip"
TYPES = "https://docs.margo.org/specification/problem-types#"
#: The statuses that the standard lists for each operation, with its own problem types.
LISTED = {
    "manifest": {200, 304, 403, 406},
    "document": {200, 304, 403, 404},
    "bundle": {200, 304, 403, 404},
    "status": {200, 201, 400, 403, 422},
}
PROBLEM = {
    "type": "object",
    "required": [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "retryable",
        "backoffStrategy",
    ],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer"},
        "detail": {"type": "string", "minLength": 1},
        "instance": {"type": "string", "pattern": "^/"},
        "retryable": {"type": "boolean"},
        "retryAfterSeconds": {"type": "integer"},
        "backoffStrategy": {"enum": ["none", "fixed", "exponential"]},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
#: Written behind, whatever a client asks for.
PRESENCE = {"last_seen_at", "svid_not_after"}


def a_plant(
    wire: Wire, *paths: str, name: str = "line-4", version: ApplicationVersion | None = None
) -> list[Device]:
    """An accepted client with these devices, and a started rollout to all of them."""
    client = wire.accept(name)
    devices = [plant.a_device(client, path) for path in paths or ("press-1",)]
    plant.a_rollout(devices, version)
    return devices


def roll_out(devices: list[Device], number: str) -> None:
    """Ends what runs on these devices, as a report of each would, and rolls the next one out."""
    for workload in Workload.objects.filter(device__in=devices).select_related("device"):
        plant.install(workload.device)
    for running in plant.Deployment.objects.filter(stage="rolling"):
        plant.tick(running)
    plant.a_rollout(devices, plant.a_version(number))


def uid_of(device: Device) -> str:
    """The deployment id of the only application on the device."""
    return str(Workload.objects.get(device=device).uid)


def client_of(device: Device) -> Client:
    """The device's client, fresh from the database."""
    return Client.objects.get(pk=device.client_id)


def sha(data: bytes) -> str:
    """The digest of these bytes as it is written."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def a_report(uid: str, state: str = "installed", **members: object) -> dict[str, object]:
    """A status report as a good client sends it; a member that is None is left out."""
    whole: dict[str, object] = {
        "deploymentId": uid,
        "adoptedManifestVersion": 1,
        "status": {"state": state},
        "components": [{"name": "controller", "state": state}, {"name": "screen", "state": state}],
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def post(device: httpx.Client, uid: str, body: dict[str, object] | bytes) -> httpx.Response:
    """Sends a report about the deployment, as an object or as bytes that only look like one."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    answer = device.post(f"/api/v1/deployments/{uid}/status", content=content, headers=headers)
    assert_answer("status", answer)
    return answer


def ask(edge: httpx.Client, **headers: str) -> httpx.Response:
    """Polls, with these headers beside the usual ones."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = edge.get(MANIFEST, headers=sent)
    assert_answer("manifest", answer)
    return answer


@dataclass
class Press:
    """A client with one device that was told to run something, and has fetched it."""

    edge: httpx.Client
    device: Device
    uid: str

    def post(self, body: Json | bytes) -> httpx.Response:
        """Sends a report about its deployment."""
        return post(self.edge, self.uid, body)

    def say(self, state: str = "installed", **members: object) -> httpx.Response:
        """Sends a good report that says this."""
        return self.post(a_report(self.uid, state, **members))

    def ask(self, **headers: str) -> httpx.Response:
        """Polls."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.edge.get(MANIFEST, headers=sent)

    @property
    def state(self) -> str:
        """What the rollout thinks of the device."""
        return str(Instance.objects.latest("pk").state)

    @property
    def remark(self) -> str:
        """Why the last report did not count; empty when it did."""
        return StatusReport.objects.latest("pk").remark


def assert_answer(operation: str, answer: httpx.Response) -> None:
    """Whatever it says, an answer obeys the standard: status, headers, problem body."""
    refused = answer.status_code >= 400
    assert answer.status_code < 500, answer.text
    assert "content-encoding" not in answer.headers
    if refused:
        Draft202012Validator(PROBLEM).validate(answer.json())
        assert answer.json()["status"] == answer.status_code
        assert answer.headers["content-type"] == "application/problem+json"
    elif operation != "status" and answer.request.method == "GET":
        assert answer.headers["cache-control"].startswith("private")
        assert answer.headers["etag"].startswith('"sha256:')
    if (published := _published()) is not None:
        _assert_published(published, operation, answer)


def assert_problem(answer: httpx.Response, status: int, kind: str) -> list[str]:
    """A refusal of this kind, not to be tried again; answers the fields it complains about."""
    assert answer.status_code == status, answer.text
    told = answer.json()
    Draft202012Validator(PROBLEM).validate(told)
    assert told["type"] == (TYPES + kind if kind else "about:blank")
    assert told["status"] == status
    assert told["instance"] == answer.request.url.raw_path.decode()
    assert (told["retryable"], told["backoffStrategy"]) == (False, "none")
    assert "retry-after" not in answer.headers
    return [error["field"] for error in told.get("errors", [])]


@contextmanager
def nothing_written() -> Iterator[None]:
    """No row of ours changes in the block, but for when a client was last seen."""
    before = rows()
    yield
    assert rows() == before


def rows() -> dict[str, list[dict[str, object]]]:
    """Every row of our tables."""
    ours = [
        model
        for label in ("applications", "devices", "deployments")
        for model in apps.get_app_config(label).get_models()
    ]
    return {model.__name__: list(_plain(model.objects.order_by("pk").values())) for model in ours}


def _plain(values: Iterable[dict[str, object]]) -> Iterator[dict[str, object]]:
    for row in values:
        shown = {name: value for name, value in row.items() if name not in PRESENCE}
        yield {
            name: bytes(value) if isinstance(value, memoryview) else value
            for name, value in shown.items()
        }


@cache
def _published() -> dict[str, dict[str, object]] | None:
    """The published interface, where it lies beside the checkout."""
    path = SHARED / "margo/openapi/workload-management-api-1.0.0-rc.3.yaml"
    if not path.is_file():
        return None
    found: dict[str, dict[str, object]] = yaml.safe_load(path.read_text())
    return found


PATHS = {
    "manifest": ("/api/v1/deployments", "get"),
    "document": ("/api/v1/deployments/{deploymentId}/{digest}", "get"),
    "bundle": ("/api/v1/bundles/{digest}", "get"),
    "status": ("/api/v1/deployments/{deploymentId}/status", "post"),
}


def _assert_published(api: dict, operation: str, answer: httpx.Response) -> None:
    path, method = PATHS[operation]
    listed = api["paths"][path][method]["responses"]
    entry = listed.get(str(answer.status_code))
    if entry is None:
        return
    for name in entry.get("headers", {}):
        if name != "Vary":
            assert name in answer.headers
    content = entry.get("content", {})
    if content and answer.request.method != "HEAD":
        assert answer.headers["content-type"] in content
    if "application/problem+json" in content:
        schema = api | {"$ref": "#/components/schemas/ProblemDetail"}
        Draft202012Validator(schema).validate(answer.json())
