"""Every address of the portal and what it answers to each role; the walk is in test_doors.py.

Whoever adds a route adds its row. People without a role, and people who have not signed in, are
sent to the sign-in page by every door but those in `OPEN`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse

from accounts.roles import Role

SHOWN, GONE_ON = 200, 302
NOT_UNDERSTOOD, REFUSED, NOT_THERE, WRONG_METHOD, VOID = 400, 403, 404, 405, 410


@dataclass(frozen=True)
class Door:
    """A route, the objects its address names, and the answers to viewer, operator and admin."""

    route: str
    viewer: int
    operator: int
    admin: int
    args: tuple[object, ...] = ()
    method: str = "get"

    @property
    def name(self) -> str:
        """How the test's report calls it."""
        return f"{self.method} {self.route} {' '.join(map(str, self.args))}".strip()

    def address(self, keys: Mapping[str, int]) -> str:
        """Where it is, for the objects that `world.make` answered."""
        args = [keys.get(str(one), one) for one in self.args]
        return reverse(f"admin:{self.route}", args=args)


def all_may(route: str, *args: object, answer: int = SHOWN, method: str = "get") -> Door:
    """A door that answers everybody with a role alike."""
    return Door(route, answer, answer, answer, args, method)


def operators_may(route: str, *args: object, answer: int = SHOWN, method: str = "get") -> Door:
    """A door that is closed to viewers."""
    return Door(route, REFUSED, answer, answer, args, method)


def admins_may(route: str, *args: object, answer: int = SHOWN, method: str = "get") -> Door:
    """A door for admins alone."""
    return Door(route, REFUSED, REFUSED, answer, args, method)


def nobody_may(route: str, *args: object) -> Door:
    """A door that Django offers and the portal keeps shut."""
    return Door(route, REFUSED, REFUSED, REFUSED, args)


#: Answered without a role, too: the sign-in and what leads to it.
OPEN = frozenset({"login", "logout", "jsi18n", "welcome"})

SITE = (
    all_may("index"),
    all_may("login", answer=GONE_ON),
    all_may("password_change"),
    all_may("password_change_done"),
    all_may("autocomplete", answer=REFUSED),
    all_may("jsi18n"),
    all_may("view_on_site", 0, 0, answer=NOT_THERE),
    all_may("app_list", "devices", answer=NOT_THERE),
    all_may("logout", method="post"),
    all_may("welcome", "MQ", "c7-0", answer=VOID),
    all_may("welcome", "MQ", "c7-0", method="post", answer=VOID),
    all_may("profile"),
    all_may("profile", method="post"),
    all_may("profile_theme", answer=WRONG_METHOD),
    all_may("profile_theme", method="post", answer=NOT_UNDERSTOOD),
)
PEOPLE = (
    operators_may("accounts_user_changelist"),
    operators_may("accounts_user_change", "person"),
    operators_may("accounts_user_history", "person"),
    admins_may("accounts_user_add"),
    admins_may("accounts_user_add", method="post"),
    admins_may("accounts_user_change", "person", method="post"),
    admins_may("auth_user_password_change", "person"),
    admins_may("accounts_user_invite", "person", method="post", answer=GONE_ON),
    all_may("accounts_user_invite", "person", answer=WRONG_METHOD),
    nobody_may("accounts_user_delete", "person"),
)
CATALOGUE = (
    all_may("applications_application_changelist"),
    all_may("applications_application_change", "application"),
    operators_may("applications_application_history", "application"),
    all_may("applications_icon", "version"),
    all_may("applications_applicationversion_changelist"),
    all_may("applications_applicationversion_change", "version"),
    operators_may("applications_applicationversion_history", "version"),
    admins_may("applications_application_add"),
    admins_may("applications_application_add", method="post"),
    admins_may(
        "applications_applicationversion_state",
        "version",
        "deprecated",
        method="post",
        answer=GONE_ON,
    ),
    admins_may("applications_applicationversion_state", "version", "deprecated"),
    admins_may("applications_applicationversion_state", "version", "gone", answer=NOT_THERE),
    all_may("applications_applicationversion_file", "version", "package"),
    all_may("applications_applicationversion_file", "version", "secrets", answer=NOT_THERE),
    nobody_may("applications_application_delete", "application"),
    nobody_may("applications_applicationversion_add"),
    nobody_may("applications_applicationversion_delete", "version"),
)
FLEET = (
    all_may("devices_device_changelist"),
    all_may("devices_device_change", "device"),
    operators_may("devices_device_history", "device"),
    operators_may("devices_device_change", "device", method="post", answer=GONE_ON),
    nobody_may("devices_device_add"),
    operators_may("devices_device_labels"),
    operators_may("devices_device_labels", method="post"),
    admins_may("devices_device_retire", "device"),
    admins_may("devices_device_delete", "device", answer=GONE_ON),
    admins_may("devices_device_delete", "device", method="post", answer=GONE_ON),
    all_may("devices_devicegroup_changelist"),
    all_may("devices_devicegroup_change", "group"),
    operators_may("devices_devicegroup_history", "group"),
    all_may("devices_devicegroup_preview"),
    operators_may("devices_devicegroup_add"),
    operators_may("devices_devicegroup_add", method="post"),
    operators_may("devices_devicegroup_change", "group", method="post"),
    admins_may("devices_devicegroup_delete", "group"),
    operators_may("devices_client_changelist"),
    operators_may("devices_client_change", "client"),
    operators_may("devices_client_history", "client"),
    admins_may("devices_client_add"),
    admins_may("devices_client_retire", "client"),
    admins_may("devices_client_retire", "client", method="post", answer=GONE_ON),
    admins_may("devices_client_accept", "client", method="post", answer=GONE_ON),
    nobody_may("devices_client_delete", "client"),
)
ROLLOUTS = (
    all_may("deployments_deployment_changelist"),
    all_may("deployments_deployment_lines"),
    operators_may("deployments_deployment_add"),
    operators_may("deployments_deployment_new"),
    all_may("deployments_deployment_change", "deployment"),
    all_may("deployments_deployment_page", "deployment"),
    all_may("deployments_deployment_live", "deployment"),
    all_may("deployments_deployment_export", "deployment"),
    all_may("deployments_deployment_compare", "deployment"),
    operators_may("deployments_deployment_action", "deployment", "delete"),
    operators_may("deployments_deployment_step", "deployment", 1),
    operators_may("deployments_deployment_again", "deployment", answer=WRONG_METHOD),
    operators_may("deployments_deployment_again", "deployment", method="post", answer=GONE_ON),
    operators_may("deployments_deployment_fit", "deployment"),
    operators_may("deployments_deployment_fit", "deployment", method="post"),
    operators_may("deployments_deployment_new", method="post"),
    operators_may("deployments_deployment_one_device", "workload"),
    operators_may("deployments_deployment_one_device", "workload", method="post", answer=GONE_ON),
    operators_may(
        "deployments_deployment_action", "deployment", "start", method="post", answer=GONE_ON
    ),
    operators_may("deployments_deployment_action", "deployment", "schedule", answer=GONE_ON),
    admins_may("deployments_deployment_action", "deployment", "approve", answer=GONE_ON),
    admins_may(
        "deployments_deployment_action", "deployment", "approve", method="post", answer=GONE_ON
    ),
    admins_may(
        "deployments_deployment_action", "deployment", "deny", method="post", answer=GONE_ON
    ),
    operators_may(
        "deployments_deployment_action", "deployment", "delete", method="post", answer=GONE_ON
    ),
)
# Behind the rollouts: the device is gone for them afterwards.
DEPARTURES = (admins_may("devices_device_retire", "device", method="post", answer=GONE_ON),)
RULES = (
    admins_may("deployments_approvalrule_changelist"),
    admins_may("deployments_approvalrule_add"),
    admins_may("deployments_approvalrule_add", method="post"),
    admins_may("deployments_approvalrule_change", "rule"),
    admins_may("deployments_approvalrule_change", "rule", method="post"),
    admins_may("deployments_approvalrule_history", "rule"),
    admins_may("deployments_approvalrule_delete", "rule"),
    admins_may("deployments_approvalrule_delete", "rule", method="post"),
)
HISTORY = (
    operators_may("deployments_event_changelist"),
    all_may("deployments_event_changelist", method="post", answer=WRONG_METHOD),
    operators_may("deployments_event_file"),
    all_may("deployments_event_file", method="post", answer=WRONG_METHOD),
)
DOORS = (*SITE, *PEOPLE, *CATALOGUE, *FLEET, *ROLLOUTS, *DEPARTURES, *RULES, *HISTORY)


def pages(role: Role) -> list[Door]:
    """What this role can look at: pages, and the files and frames among them."""
    return [one for one in DOORS if one.method == "get" and getattr(one, role.value) == SHOWN]
