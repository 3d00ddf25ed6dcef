"""A secret that somebody typed goes to the devices and is on no page, in no file and no frame."""

import json

import pytest
from django.test import Client as Browser

from accounts.roles import Role
from deployments import drafting, frames, moves, submitting
from deployments.models import Deployment, Instance
from devices.models import Device
from tests import cast
from tests.deployments import plant
from tests.portal import visits, world

pytestmark = pytest.mark.django_db

OLD, NEW = "sesame-of-yesterday", "sesame-of-today"
TARGETS = [{"pointer": "PASSWORD", "components": ["controller"]}]
SETTING = {"parameter": "db_password", "name": "Password of it", "schema": "text"}
PACKAGE = {
    "parameters": {"db_password": {"value": "", "targets": TARGETS}},
    "sections": [{"name": "Database", "settings": [SETTING]}],
    "schemas": {"text": {"name": "text", "dataType": "string"}},
}


def draft(devices: list[Device], number: str, secret: str) -> Deployment:
    """A draft of this version, in which the secret was typed."""
    made = plant.a_draft(devices, plant.a_version(number, **PACKAGE))
    drafting.set_parameters(made, {"db_password": secret}, actor=None, now=plant.NOON)
    Deployment.objects.filter(pk=made.pk).update(wizard_step=5)
    made.refresh_from_db()
    return made


def started(devices: list[Device], number: str, secret: str) -> Deployment:
    """The same, on its way to the devices."""
    made = draft(devices, number, secret)
    submitting.submit(made, actor=None, now=plant.NOON)
    moves.start(made, actor=None, now=plant.NOON)
    plant.tick(made)
    return made


@pytest.fixture
def deployments() -> dict[str, Deployment]:
    """What ran before, what goes to the same devices now, and what may come next."""
    devices = [plant.a_device() for _ in range(3)]
    before = started(devices, "1.0.0", OLD)
    for device in devices:
        plant.install(device)
    plant.tick(before)
    now = started(devices, "2.0.0", NEW)
    plant.poll(devices[0])
    assert NEW.encode() in (plant.fetch(devices[0]) or b"")
    plant.tell(devices[0], "failed", error="no such image")
    return {"before": before, "now": now, "next": draft(devices, "3.0.0", NEW)}


def addresses(deployments: dict[str, Deployment]) -> dict[str, str]:
    """All that an admin can look at, of each deployment and of what it went to."""
    keys = world.make()
    device = Device.objects.filter(instances__deployment=deployments["now"]).first()
    found: dict[str, str] = {}
    for name, one in deployments.items():
        its = {"deployment": one.pk, "version": one.version_id, "device": device.pk}
        its |= {"workload": device.workloads.get().pk, "client": device.client_id}
        pages = visits.of_the_table(Role.ADMIN, keys | its)
        found |= {f"{door}, {name}": address for door, address in pages.items()}
    pk = deployments["next"].pk
    steps = {
        f"step {one}": visits.at("deployments_deployment_step", pk, one) for one in visits.STEPS
    }
    asking = {f"{name}, {action}": where for name, action, where in visits.asking(deployments)}
    return found | steps | asking


def body(browser: Browser, address: str) -> bytes:
    answer = browser.get(address)
    assert answer.status_code in {200, 302, 404}, address  # A version may have no icon.
    return b"".join(answer) if answer.streaming else answer.content


def test_a_secret_is_on_no_page_and_in_no_file(deployments: dict[str, Deployment]) -> None:
    browser = cast.sign_in(cast.admin())
    shown = {name: body(browser, where) for name, where in addresses(deployments).items()}

    assert [name for name, text in shown.items() if b"sesame-of" in text] == []
    assert b"Password of it" in shown["get deployments_deployment_page deployment, now"]
    assert b"Password of it" in shown["get deployments_deployment_compare deployment, now"]


def test_a_secret_is_in_no_frame(deployments: dict[str, Deployment]) -> None:
    for one in deployments.values():
        rows = list(Instance.objects.filter(deployment=one).values_list("pk", flat=True))
        frame = frames.snapshot(one.pk, rows, now=plant.NOON)
        assert frame is not None
        assert [row["id"] for row in frame.get("instances", [])] == rows
        assert "sesame-of" not in json.dumps(frame)
