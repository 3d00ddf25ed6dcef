"""The three roles as data: who may do what. Code asks only `has_perm`."""

from enum import StrEnum

from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from accounts import access
from accounts.look import Look
from accounts.models import User


class Role(StrEnum):
    """Exactly one per person; each may do what the one before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


_VIEWER = frozenset(
    {
        "accounts.use_portal",
        "applications.view_application",
        "applications.view_applicationversion",
        "deployments.view_deployment",
        "devices.view_device",
        "devices.view_devicegroup",
    }
)
_OPERATOR = _VIEWER | {
    "accounts.view_user",
    "admin.view_logentry",
    "deployments.add_deployment",
    "deployments.change_deployment",
    "deployments.delete_deployment",
    "deployments.roll_out_deployment",
    "devices.add_devicegroup",
    "devices.change_device",
    "devices.change_devicegroup",
    "devices.view_client",
}
_ADMIN = _OPERATOR | {
    "accounts.add_user",
    "accounts.change_user",
    "applications.add_applicationversion",
    "applications.change_applicationversion",
    "deployments.add_approvalrule",
    "deployments.approve_deployment",
    "deployments.change_approvalrule",
    "deployments.delete_approvalrule",
    "deployments.view_approvalrule",
    "devices.add_client",
    "devices.change_client",
    "devices.delete_device",
    "devices.delete_devicegroup",
}

ROLES: dict[Role, frozenset[str]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: _ADMIN,
}

LOOKS: dict[Role, Look] = {
    Role.VIEWER: Look("idle", "◉", "Viewer"),
    Role.OPERATOR: Look("run", "▸", "Operator"),
    Role.ADMIN: Look("warn", "★", "Admin"),
}

DUTIES: dict[Role, str] = {
    Role.VIEWER: "Sees devices, applications and deployments, and changes nothing.",
    Role.OPERATOR: "Rolls applications out, labels devices and keeps the groups.",
    Role.ADMIN: "Also imports applications, lets clients in, and says who may do what.",
}


def sync_roles(apps: Apps = installed, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the three groups hold exactly the permissions of the table; may run any time.

    Permissions are made by Django app by app after a migration, so those not made yet are made
    here first.
    """
    for label in sorted({name.partition(".")[0] for name in ROLES[Role.ADMIN]}):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps, using=using)
    for role, names in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role.value)
        wanted = _permissions(names, using)
        if {one.pk for one in wanted} != set(group.permissions.values_list("pk", flat=True)):
            group.permissions.set(wanted)


def assign(user: User, role: Role) -> None:
    """Give the person this role and no other."""
    user.groups.set([Group.objects.get(name=role.value)])
    access.changed(user.pk)


def role_of(user: User | AnonymousUser) -> Role | None:
    """The person's role, None without one. For showing it; decisions ask `has_perm`."""
    names = {group.name for group in user.groups.all()}
    return next((role for role in reversed(Role) if role.value in names), None)


def _permissions(names: frozenset[str], using: str) -> list[Permission]:
    """The permission rows; raises LookupError for a name that no model declares."""
    match = Q()
    for name in names:
        label, _, codename = name.partition(".")
        match |= Q(content_type__app_label=label, codename=codename)
    found = list(Permission.objects.using(using).filter(match))
    if len(found) != len(names):
        message = "A role names a permission that no model declares."
        raise LookupError(message)
    return found
