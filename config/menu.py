"""The menu: what an operator looks for, most used first."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of the menu, seen by whoever has the permission."""

    words: str
    icon: str
    route: str
    permission: str
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as one person sees it on one page."""

    words: str
    icon: str
    url: str
    apart: bool
    current: bool


MENU = (
    Item("Overview", "overview", "admin:index", "accounts.use_portal"),
    Item(
        "Deployments",
        "deployments",
        "admin:deployments_deployment_changelist",
        "deployments.view_deployment",
    ),
    Item(
        "Applications",
        "applications",
        "admin:applications_application_changelist",
        "applications.view_application",
    ),
    Item("Devices", "devices", "admin:devices_device_changelist", "devices.view_device"),
    Item("Groups", "groups", "admin:devices_devicegroup_changelist", "devices.view_devicegroup"),
    Item(
        "Clients", "clients", "admin:devices_client_changelist", "devices.view_client", apart=True
    ),
    Item("People", "people", "admin:accounts_user_changelist", "accounts.view_user"),
    Item(
        "Approval rules",
        "rules",
        "admin:deployments_approvalrule_changelist",
        "deployments.view_approvalrule",
    ),
    Item("History", "history", "admin:deployments_event_changelist", "admin.view_logentry"),
)


def entries(request: HttpRequest) -> list[Entry]:
    """The menu for the person who asks; pages that do not exist (yet) are left out."""
    home = reverse("admin:index")
    found = []
    for item in MENU:
        url = address(item.route)
        if url is None or not request.user.has_perm(item.permission):
            continue
        current = request.path == url if url == home else request.path.startswith(url)
        found.append(Entry(item.words, item.icon, url, item.apart, current))
    return found


def address(route: str) -> str | None:
    """The URL of a route, or None where no page has that name."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return None
