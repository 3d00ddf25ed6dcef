"""What each page asks of the database and how long the server takes, with a large fleet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import django
from django.core.management import call_command
from django.db import connections

from tests.bench import servers
from tests.bench.timing import Row, took

if TYPE_CHECKING:
    from deployments.models import Deployment

#: Which database it was, for the head of the table; known when it was measured.
DATABASE = ""
#: Devices, all of them in one deployment, and other deployments beside it.
DEVICES = 100_000
OTHERS = 1_000
#: Lines of history that each of those has.
EVENTS = 20
TRIES = 3
AIM = "<= 20 queries, 0.3 s"


def measure() -> list[Row]:
    """A row for each page, on a database made for the purpose."""
    global DATABASE
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with servers.postgresql() as address, servers.redis() as broker:
        DATABASE = servers.described(address)
        os.environ |= {"LINESIDE_DATABASE_URL": address, "LINESIDE_REDIS_URL": broker}
        django.setup()
        call_command("migrate", verbosity=0)
        try:
            return list(pages(plant_all(DEVICES)))
        finally:
            connections.close_all()


def plant_all(size: int) -> dict[str, int]:
    """The fleet and its deployments; answers the keys that the addresses of pages name."""
    from deployments.models import Deployment, Instance
    from devices.models import DeviceGroup
    from tests.bench import fleet
    from tests.deployments import plant

    fleet.arrive(size)
    version = plant.a_version("1.0.0", app_id="press")
    group = DeviceGroup.objects.create(
        name="Everybody", selector=f"fleet={size}", created_at=fleet.BEGUN
    )
    rollout = fleet.start(fleet.draft(version, fleet.everybody(size)))
    fleet.tick_until_idle(rollout)
    fleet.poll_all(rollout)
    values = Deployment.objects.filter(pk=rollout.pk).values().get()
    ended = {"id": None, "stage": "completed", "ended_at": fleet.BEGUN, "due_at": None}
    Deployment.objects.bulk_create(
        Deployment(**values | ended | {"name": f"Before {number}"}) for number in range(OTHERS)
    )
    remember(Deployment.objects.filter(name__startswith="Before "))
    draft = fleet.draft(plant.a_version("2.0.0", app_id="press"), fleet.everybody(size))
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=5)
    fleet.analyze()
    device = Instance.objects.filter(deployment=rollout)[size // 2].device
    return {
        "rollout": rollout.pk,
        "draft": draft.pk,
        "version": version.pk,
        "application": version.application_id,
        "device": device.pk,
        "client": device.client_id,
        "group": group.pk,
    }


def remember(deployments: Iterable[Deployment]) -> None:
    """A past for each of them, as long as a rollout in twenty steps has one."""
    from deployments.models import Event

    now = datetime.now(UTC)
    Event.objects.bulk_create(
        Event(
            deployment=one,
            kind="batch_ended",
            sentence=f"Batch {number} ended: 50 installed.",
            at=now - timedelta(minutes=one.pk % 40_000, seconds=number),
        )
        for one in deployments
        for number in range(EVENTS)
    )


def addresses(keys: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Each page as people call it, and where it is."""
    from django.urls import reverse

    def at(name: str, *args: object, query: str = "") -> str:
        return reverse(f"admin:{name}", args=args) + query

    lists, rollout = "deployments_deployment_changelist", keys["rollout"]
    yield "overview", at("index")
    yield "deployments", at(lists)
    yield "deployments, searched and filtered", at(lists, query="?q=before+9&status=installing")
    yield "deployments, the last page", at(lists, query="?p=21&o=name")
    yield "one deployment", at("deployments_deployment_page", rollout)
    found = "?state=pending&q=fleet-100000-0999&p=2"
    yield "one deployment, searched", at("deployments_deployment_page", rollout, query=found)
    last = "?p=1000"
    yield "one deployment, the last page", at("deployments_deployment_page", rollout, query=last)
    yield "one deployment: roll back?", at("deployments_deployment_action", rollout, "rollback")
    for step in range(1, 6):
        yield f"wizard, step {step}", at("deployments_deployment_step", keys["draft"], step)
    yield "one deployment: live", at("deployments_deployment_live", rollout)
    yield "one deployment: compared", at("deployments_deployment_compare", rollout)
    yield "one deployment: cancel?", at("deployments_deployment_action", rollout, "cancel")
    yield "deployments: live", at("deployments_deployment_lines", query=f"?ids={rollout}")
    yield "history", at("deployments_event_changelist")
    yield "history, searched", at("deployments_event_changelist", query="?q=before+9")
    yield "history, nothing found", at("deployments_event_changelist", query="?q=nowhere")
    yield "applications", at("applications_application_changelist")
    yield "an application", at("applications_application_change", keys["application"])
    yield "a version", at("applications_applicationversion_change", keys["version"])
    yield "devices", at("devices_device_changelist")
    yield "devices, searched", at("devices_device_changelist", query="?q=0999")
    yield "devices by label", at("devices_device_changelist", query="?labels=fleet%3D100000")
    yield "devices by status", at("devices_device_changelist", query="?status=online")
    yield "a device", at("devices_device_change", keys["device"])
    yield "groups", at("devices_devicegroup_changelist")
    yield "a group", at("devices_devicegroup_change", keys["group"])
    yield "clients", at("devices_client_changelist")
    yield "a client", at("devices_client_change", keys["client"])
    yield "people", at("accounts_user_changelist")
    yield "a person's own page", at("profile")
    yield "approval rules", at("deployments_approvalrule_changelist")


def pages(keys: dict[str, int]) -> Iterable[Row]:
    """The rows, in the order of the menu: each page once to count its queries, then the fastest."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    from devices.models import Client
    from tests import cast

    setup_test_environment()
    Client.objects.update(last_seen_at=datetime.now(UTC) - timedelta(seconds=5))
    browser = cast.sign_in(cast.admin())
    for words, address in addresses(keys):
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(address)
        # The next request empties the log.
        number = len(asked)
        assert answer.status_code == 200, f"{address} answered {answer.status_code}"
        wall, cpu = min(took(lambda at=address: browser.get(at)) for _ in range(TRIES))
        yield {
            "what": f"{words}: seconds, queries",
            "measured": f"{wall:.3f} {number:>3}",
            "cpu": f"{cpu:.3f}",
            "aim": AIM,
        }
