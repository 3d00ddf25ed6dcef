"""A small plant for the rollout's tests: a package, clients with devices, and what they do."""

import hashlib
import itertools
from datetime import UTC, datetime, timedelta

from applications.models import Application, ApplicationVersion
from deployments import drafting, engine, moves, publishing, reports, submitting
from deployments.models import Deployment, Instance, Workload
from deployments.states import Status
from devices import labels
from devices.models import Client, Device

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_counter = itertools.count(1)


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def components(revision: str) -> list[dict]:
    """Two components of the package, at this revision."""
    return [
        {
            "name": name,
            "properties": {
                "repository": f"oci://registry.example.com/{name}",
                "revision": revision,
            },
            "extensions": {},
        }
        for name in ("controller", "screen")
    ]


SPEED = {"value": 10, "targets": [{"pointer": "SPEED", "components": ["controller"]}]}
SPEED_SETTING = {
    "parameter": "speed",
    "name": "Speed",
    "description": "Turns a minute",
    "immutable": False,
    "schema": "turns",
}


def a_version(number: str = "1.0.0", *, app_id: str = "mixer", **changes) -> ApplicationVersion:
    """A version with one compose profile of two components and one parameter."""
    application, _ = Application.objects.get_or_create(
        app_id=app_id, defaults={"name": app_id.title(), "created_at": NOON}
    )
    profile = {
        "id": "compose",
        "type": "compose",
        "description": "",
        "components": components(number),
        "deviceConstraints": {"capacityRequirements": {"memory": "1Gi"}},
        "extensions": {},
        "problem": None,
    }
    values = {
        "api_version": "v1",
        "raw": number.encode(),
        "digest": "sha256:" + hashlib.sha256(f"{app_id} {number}".encode()).hexdigest(),
        "profiles": [profile],
        "parameters": {"speed": SPEED},
        "sections": [{"name": "Drive", "settings": [dict(SPEED_SETTING)]}],
        "schemas": {"turns": {"name": "turns", "dataType": "integer", "maxValue": 100}},
        "imported_at": NOON,
        **changes,
    }
    return ApplicationVersion.objects.create(application=application, version=number, **values)


def a_client(name: str = "", *, state: str = "accepted") -> Client:
    """A client as the operator accepted it."""
    name = name or f"edge-{next(_counter):04}"
    spiffe_id = f"spiffe://plant.example/margo/wfm/lineside/client/{name}"
    return Client.objects.create(name=name, spiffe_id=spiffe_id, state=state, created_at=NOON)


def a_device(
    client: Client | None = None, path: str = "", *, memory: str = "4Gi", **reported: object
) -> Device:
    """A device that runs compose, with these labels."""
    client = client or a_client()
    path = path or client.name
    device = Device.objects.create(
        client=client,
        path=path,
        properties={
            "id": path,
            "cpus": [{"cores": 4, "architecture": "amd64"}],
            "memory": memory,
            "storage": "32Gi",
            "supportedRuntimes": ["oci"],
            "supportedDeploymentTypes": ["compose"],
        },
        reported_labels=reported,
        capabilities_at=NOON,
        created_at=NOON,
    )
    labels.reindex(device)
    return device


def a_fleet(size: int) -> list[Device]:
    """So many devices, each behind a client of its own, made in bulk."""
    pattern = a_device()
    names = [f"fleet-{size}-{number:06}" for number in range(size)]
    clients = Client.objects.bulk_create(
        Client(
            name=name,
            spiffe_id=f"spiffe://plant.example/margo/wfm/lineside/client/{name}",
            state="accepted",
            created_at=NOON,
        )
        for name in names
    )
    return Device.objects.bulk_create(
        Device(
            client=client,
            path=client.name,
            properties={**pattern.properties, "id": client.name, "serialNumber": client.name},
            created_at=NOON,
        )
        for client in clients
    )


def a_draft(devices: list[Device], version: ApplicationVersion | None = None, **strategy: int):
    """A draft for these devices."""
    draft = drafting.create(
        version=version or a_version(),
        profile_id="compose",
        name="Rollout",
        actor=None,
        now=NOON,
        targeting={"ids": [device.pk for device in devices]},
    )
    drafting.set_rollout(draft, strategy, actor=None, now=NOON)
    return draft


def a_ready_deployment(devices: list[Device], version: ApplicationVersion | None = None, **rules):
    """A submitted deployment for these devices."""
    draft = a_draft(devices, version, **rules)
    submitting.submit(draft, actor=None, now=NOON)
    return draft


def a_rollout(devices: list[Device], version: ApplicationVersion | None = None, **rules):
    """A started deployment whose batch is released."""
    deployment = a_ready_deployment(devices, version, **rules)
    moves.start(deployment, actor=None, now=NOON)
    engine.tick(deployment.pk, now=NOON)
    deployment.refresh_from_db()
    return deployment


def poll(device: Device, now: datetime = NOON) -> publishing.Published:
    """What the device's client gets when it asks, noted as fetched by it."""
    client = Client.objects.get(pk=device.client_id)
    published = publishing.manifest_for(client, now=now)
    publishing.prove(client, published.version, now=now)
    return published


def fetch(device: Device, now: datetime = NOON) -> bytes | None:
    """The device's client fetches the document that is wanted now."""
    workload = Workload.objects.select_related("wanted").get(device=device)
    client = Client.objects.get(pk=device.client_id)
    return publishing.document_for(client, str(workload.uid), workload.wanted.digest, now=now)


def tell(
    device: Device,
    state: str,
    *,
    adopted: int | None = -1,
    error: str = "",
    now: datetime = NOON,
    parts: tuple[str, ...] = (),
) -> None:
    """The device reports; `adopted` is its client's newest manifest unless given."""
    client = Client.objects.get(pk=device.client_id)
    version = client.manifest_version if adopted == -1 else adopted
    components = tuple(
        reports.Component(f"part-{index}", Status(part)) for index, part in enumerate(parts)
    )
    workload = Workload.objects.get(device=device)
    report = reports.Report(Status(state), version, components, error)
    reports.receive(client, str(workload.uid), report, now=now)


def install(device: Device, now: datetime = NOON) -> None:
    """The device does all that a good device does."""
    poll(device, now)
    fetch(device, now)
    tell(device, "installing", now=now)
    tell(device, "installed", now=now)


def tick(deployment: Deployment, now: datetime = NOON) -> list[str]:
    """One look of the engine; answers the sentences of its steps."""
    steps = engine.tick(deployment.pk, now=now)
    deployment.refresh_from_db()
    return [step.reason for step in steps]


def states_of(deployment: Deployment) -> dict[str, int]:
    """How many instances are in which state."""
    counts: dict[str, int] = {}
    for state in Instance.objects.filter(deployment=deployment).values_list("state", flat=True):
        counts[state] = counts.get(state, 0) + 1
    return counts
