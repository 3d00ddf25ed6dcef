"""A device describes itself anew while it installs: what was begun ends as it was planned."""

import httpx
import pytest

from deployments import submitting
from deployments.models import Deployment, Instance
from devices.models import Device
from tests.deployments import plant, talk
from tests.wire import Wire

SMALLER = {
    "id": "press-1",
    "vendor": "Acme",
    "modelNumber": "P2",
    "serialNumber": "0042",
    "cpus": [{"cores": 1, "architecture": "arm64"}],
    "memory": "1Ki",
    "storage": "1Ki",
    "peripherals": [],
    "interfaces": [{"type": "ethernet"}],
    "otelCollector": False,
    "supportedRuntimes": ["oci"],
    "supportedDeploymentTypes": ["helm"],
}
MOVED = {"ring": "9"}


def describe(edge: httpx.Client, **labels: str) -> None:
    told = {"properties": SMALLER, "labels": labels}
    assert edge.put("/api/v1/capabilities/press-1", json=told).status_code in {200, 201}
    assert Device.objects.get().properties["memory"] == "1Ki"


@pytest.mark.parametrize("moment", ["released", "polled", "fetched", "installing"])
def test_a_device_that_changes_gets_and_finishes_what_was_planned(
    wire: Wire, edge: httpx.Client, moment: str
) -> None:
    (device,) = talk.a_plant(wire)
    uid = talk.uid_of(device)
    if moment == "released":
        describe(edge, **MOVED)
    first = edge.get(talk.MANIFEST)
    (entry,) = first.json()["deployments"]
    if moment == "polled":
        describe(edge, **MOVED)
    content = edge.get(entry["url"]).content
    if moment == "fetched":
        describe(edge, **MOVED)
    assert talk.post(edge, uid, talk.a_report(uid, "installing")).status_code == 200
    if moment == "installing":
        describe(edge, **MOVED)
    same = edge.get(talk.MANIFEST, headers={"if-none-match": first.headers["etag"]})
    assert same.status_code == 304
    assert edge.get(entry["url"]).content == content
    assert Instance.objects.get().state == "installing"
    assert talk.post(edge, uid, talk.a_report(uid)).status_code == 200
    rollout = Deployment.objects.get()
    plant.tick(rollout)
    assert (rollout.stage, rollout.status) == ("completed", "installed")


def test_and_the_next_plan_says_that_it_does_not_fit_any_more(
    wire: Wire, edge: httpx.Client
) -> None:
    (device,) = talk.a_plant(wire)
    plant.install(device)
    plant.tick(Deployment.objects.get())
    describe(edge)
    draft = plant.a_draft([device], plant.a_version("2.0.0"))
    [misfit] = submitting.preview(draft, now=plant.NOON).misfits
    assert misfit.path == "press-1"
    assert "this needs Compose" in " ".join(misfit.reasons)
