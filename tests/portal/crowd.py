"""Many rows of every noun around those of `world.make`, so that each page has much to show."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from applications.models import Application, ApplicationVersion
from deployments.models import ApprovalRule, Deployment, Event
from deployments.states import Stage
from devices.models import Client, Device, DeviceGroup
from tests import cast
from tests.deployments import plant
from tests.portal import world

#: The nouns whose pages tell who did what to them.
TOLD: dict[str, type[Model]] = {
    "person": User,
    "application": Application,
    "version": ApplicationVersion,
    "client": Client,
    "device": Device,
    "group": DeviceGroup,
    "rule": ApprovalRule,
}


def gather(keys: dict[str, int], number: int, first: int = 0) -> Deployment:
    """So many more of each noun, and of all that those with a key have to do with.

    The draft of the keys is for all these devices; answers a rollout to them that is under way.
    """
    plc = Device.objects.get(pk=keys["device"])
    devices = [_device(plc, keys["group"], one) for one in range(first, first + number)]
    Device.objects.filter(pk=plc.pk).update(properties=devices[0].properties)
    for one in range(first, first + number):
        _catalogue(one)
        _past(plc, one)
        _people_and_rules(keys, one)
    Deployment.objects.filter(pk=keys["deployment"]).update(
        version=plant.a_version("1.0.0", app_id=f"drive-{first}"),
        targeting={"labels": "!none"},
        wizard_step=5,
    )
    version = plant.a_version("2.0.0", app_id=f"drive-{first}")
    return plant.a_rollout(devices, version, kind="rolling", batch_by="size", batch_size=1)


def _device(plc: Device, group: int, one: int) -> Device:
    """One more behind the same client and one behind its own, in the group and in a new one."""
    now = timezone.now()
    sibling = cast.device(plc.client, f"gateway/{one}", site="berlin", row=str(one))
    alone = plant.a_device(plant.a_client(f"alone-{one}"), site="berlin", row=str(one))
    Client.objects.filter(pk=alone.client_id).update(last_seen_at=now, svid_not_after=now)
    new = DeviceGroup.objects.create(name=f"Group {one}", selector=f"row={one}", created_at=now)
    new.members.add(plc, sibling)
    DeviceGroup.objects.get(pk=group).members.add(alone)
    return alone


def _catalogue(one: int) -> None:
    """One more application, one more version of that with a key, and it in every stage."""
    world.version_of(f"com.example.app-{one}", "1.0.0")
    version = world.version_of("com.example.pump", f"1.{one}.1")
    now = timezone.now()
    Deployment.objects.bulk_create(
        Deployment(
            name=f"{stage.value} {one}",
            version=version,
            profile_id="compose",
            stage=stage,
            created_at=now,
            updated_at=now,
        )
        for stage in Stage
    )


def _past(plc: Device, one: int) -> None:
    """The device with a key got one more application, and then something else of it."""
    now = timezone.now()
    completed = Deployment.objects.create(
        name=f"Valves {one}",
        version=plant.a_version(app_id=f"valve-{one}"),
        profile_id="compose",
        stage="completed",
        status="installed",
        created_at=now,
        updated_at=now,
    )
    world.had(plc, completed)


def _people_and_rules(keys: dict[str, int], one: int) -> None:
    """Somebody who changed everything that has a key, and a rule that catches the largest."""
    now, somebody = timezone.now(), cast.person(list(Role)[one % 3], f"somebody-{one}")
    ApprovalRule.objects.create(name=f"Rule {one}", more_than=1000, created_at=now, updated_at=now)
    for noun, model in TOLD.items():
        LogEntry.objects.create(
            user=somebody,
            content_type=ContentType.objects.get_for_model(model),
            object_id=str(keys[noun]),
            object_repr=noun,
            action_flag=CHANGE,
            change_message="Changed.",
        )
    Event.objects.create(
        deployment_id=keys["deployment"], kind="moved", sentence="Moved.", actor=somebody, at=now
    )
