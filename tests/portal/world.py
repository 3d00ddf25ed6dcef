"""One of everything, for pages that show something."""

import json
from datetime import timedelta

from django.utils import timezone

from applications.models import Application, ApplicationVersion, Resource
from deployments.models import ApprovalRule, Deployment, Event, Revision, Workload
from devices.models import Client, Device, DeviceGroup
from tests import cast

PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def make() -> dict[str, int]:
    """Makes one of each noun, a device for each status; returns their keys by noun."""
    now = timezone.now()
    client = cast.client("gateway", seen=now)
    device = cast.device(client, "gateway/plc", site="berlin")
    properties = {"cpus": [{"cores": 4, "architecture": "arm64"}], "memory": "8Gi"}
    Device.objects.filter(pk=device.pk).update(
        properties=properties, capabilities=json.dumps({"properties": properties})
    )
    Device.objects.filter(pk=cast.device(client, "gateway/bad").pk).update(failing=True)
    cast.device(cast.client("waiting", state="pending"), "waiting")
    cast.device(cast.client("silent", seen=now - timedelta(hours=1)), "silent")
    retired = cast.client("retired", state="retired", seen=now)
    cast.device(retired, "retired")
    Client.objects.filter(pk=retired.pk).update(svid_not_after=now - timedelta(days=1))
    group = DeviceGroup.objects.create(name="Berlin", selector="site=berlin", created_at=now)
    version = version_of("com.example.pump", "1.0.0")
    deployment = Deployment.objects.create(
        name="Pumps", version=version, profile_id="compose", created_at=now, updated_at=now
    )
    earlier = Deployment.objects.create(
        name="Pumps before",
        version=version,
        profile_id="compose",
        stage="completed",
        status="installed",
        created_at=now,
        updated_at=now,
        hidden_at=now,
    )
    workload = had(device, earlier)
    rule = ApprovalRule.objects.create(
        name="Line <b>4</b>", labels="line=4", created_at=now, updated_at=now
    )
    sentence = "Started <script>alert(1)</script>."
    Event.objects.create(deployment=deployment, kind="moved", sentence=sentence, at=now)
    return {
        "person": cast.person(None, "somebody").pk,
        "application": version.application_id,
        "version": version.pk,
        "client": client.pk,
        "device": device.pk,
        "group": group.pk,
        "workload": workload.pk,
        "deployment": deployment.pk,
        "rule": rule.pk,
    }


def had(device: Device, deployment: Deployment) -> Workload:
    """The device got an application twice from this deployment, so it can go back to the first."""
    version, now = deployment.version, timezone.now()
    workload = Workload.objects.create(device=device, application=version.application)
    for content in ("before", "now"):
        wanted = Revision.objects.create(
            workload=workload,
            deployment=deployment,
            version=version,
            content=content,
            created_at=now,
            installed_at=now,
        )
    Workload.objects.filter(pk=workload.pk).update(wanted=wanted, installed=wanted)
    return workload


def version_of(app_id: str, number: str) -> ApplicationVersion:
    """A version in the catalogue, with an icon that tries to run a script."""
    now = timezone.now()
    application, _ = Application.objects.get_or_create(
        app_id=app_id, defaults={"name": "Pump <b>control</b>", "created_at": now}
    )
    component = {"name": "pump", "properties": {"repository": "oci://registry.example.com/pump"}}
    version = ApplicationVersion.objects.create(
        application=application,
        version=number,
        raw=b"apiVersion: v1\nid: com.example.pump # <script>alert(1)</script>\n",
        digest="sha256:" + "0" * 64,
        api_version="v1",
        description="Keeps pumps <i>pumping</i>.\n\nAll of them.",
        catalog={
            "tagline": "Pumps",
            "tags": ["pumps", "line 4"],
            "organizations": [{"name": "Example"}],
            "site": "ftp://x",
        },
        profiles=[{"id": "compose", "type": "compose", "components": [component]}],
        parameters={"rate": {"value": 5, "targets": []}, "silent": {"targets": []}},
        sections=[
            {"name": "Flow", "settings": [{"parameter": "rate", "name": "Rate", "schema": "r"}]}
        ],
        schemas={"r": {"name": "r", "dataType": "integer", "minValue": 1, "maxValue": 9}},
        warnings=["Line 3: something odd."],
        imported_at=now,
    )
    Resource.objects.create(
        version=version,
        kind="icon",
        path="icon.svg",
        media_type="image/svg+xml",
        content=PICTURE,
    )
    return version
