"""Addresses of pages that the table of doors leads to only in part: one row, many faces."""

from urllib.parse import urlsplit

from django.urls import reverse
from django.utils import timezone

from accounts import invitations
from accounts.roles import Role
from deployments.consequences import TOLD_FIRST
from deployments.models import Deployment
from deployments.states import Action, Gate, Stage, allowed
from devices.models import Device
from tests import cast
from tests.deployments import stages
from tests.portal.doors import pages

#: A route and the noun of its address, as in DOORS, and what is asked for there.
ASKED = (
    ("applications_application_changelist", "", "?tag=pumps&organization=Example"),
    ("devices_device_changelist", "", "?status=online&labels=site%3Dberlin"),
    ("devices_device_changelist", "", "?labels=%3D"),
    ("devices_device_changelist", "", "?key=site&value=site%3Dberlin"),
    ("devices_device_labels", "", "?key=site"),
    ("devices_client_add", "", "?name=line-4"),
    ("deployments_event_changelist", "", "?who=engine&since=2026-01-01&q=pump"),
    ("deployments_deployment_changelist", "", "?q=nothing"),
    ("deployments_deployment_changelist", "", "?stage=rolling&q=o"),
)
STEPS = range(1, 6)


def at(route: str, *args: object) -> str:
    """The address of a route."""
    return reverse(f"admin:{route}", args=args)


def of_the_table(role: Role, keys: dict[str, int]) -> dict[str, str]:
    """What the role can look at, by the names of the doors."""
    return {door.name: door.address(keys) for door in pages(role)}


def asked_for(keys: dict[str, int]) -> dict[str, str]:
    """Lists that are narrowed, and the like."""
    return {
        f"{route}{query}": at(route, *([keys[noun]] if noun else [])) + query
        for route, noun, query in ASKED
    }


def of_departures() -> dict[str, str]:
    """What can be looked at only once a device has left."""
    gone = Device.objects.filter(path="retired")
    gone.update(removed_at=timezone.now())
    return {"device delete": at("devices_device_delete", gone.get().pk)}


def invitation(name: str) -> str:
    """Where somebody of this name sets a password."""
    return urlsplit(invitations.invite(cast.invited(Role.VIEWER, name))).path


def of_stages(made: dict[str, Deployment] | None = None) -> dict[str, str]:
    """A deployment in each stage: its page, what each action says before, and the wizard."""
    made = made or stages.in_each_stage()
    found = {name: at("deployments_deployment_page", one.pk) for name, one in made.items()}
    found |= {f"{name}, before an action: {action}": where for name, action, where in asking(made)}
    draft = made["draft"]
    Deployment.objects.filter(pk=draft.pk).update(wizard_step=max(STEPS))
    for step in STEPS:
        found[f"step {step}"] = at("deployments_deployment_step", draft.pk, step)
    return found


def asking(made: dict[str, Deployment]) -> list[tuple[str, str, str]]:
    """Each action that says first what it will do, at the first deployment that allows it."""
    first: dict[Action, tuple[str, str, str]] = {}
    for name, one in made.items():
        for action in allowed(Stage(one.stage), Gate(one.gate) if one.gate else None):
            if action in {*TOLD_FIRST, Action.SCHEDULE}:
                where = at("deployments_deployment_action", one.pk, action)
                first.setdefault(action, (name, action, where))
    return list(first.values())
