"""Pages of the fleet: a client, onboarding a client, who is in a group."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from accounts.asking import person, require
from accounts.look import Look
from devices import onboarding
from devices.filters import EXPIRES_SOON
from devices.forms import NewClientForm
from devices.groups import members_of
from devices.identity import expiry
from devices.identity.errors import IdentityError
from devices.models import Client, Device, DeviceGroup
from devices.selectors import SelectorError, matching
from devices.shell import manage
from devices.status import LOOKS, facts_of, status

CLIENT_LOOKS: dict[str, Look] = {
    "pending": Look("warn", "◷", "Waiting"),
    "accepted": Look("ok", "✓", "Accepted"),
    "retired": Look("idle", "⊘", "Retired"),
}
#: Rows of a card on a page about something else.
SHOWN = 20


def client_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A client: who it is, whether it may come in, how it is doing, the devices behind it."""
    require(request, "devices.view_client")
    now = timezone.now()
    client = get_object_or_404(Client, pk=pk)
    devices = client.devices.select_related("client")[:SHOWN]
    return render(
        request,
        "devices/client.html",
        {
            **page(request, client.name, now),
            "client": client,
            "look": CLIENT_LOOKS[client.state],
            "certificate": certificate_look(client.svid_not_after, now),
            "devices": [(one, LOOKS[status(facts_of(one), now)]) for one in devices],
            "device_count": client.devices.count(),
            "may_change": request.user.has_perm("devices.change_client"),
            "crumbs": [("Clients", reverse("admin:devices_client_changelist"))],
        },
    )


def certificate_look(not_after: datetime | None, now: datetime) -> Look | None:
    """A warning about a certificate that has ended or soon will; None for any other."""
    if not_after is None or not_after - now > EXPIRES_SOON:
        return None
    ended = not_after <= now
    return Look("bad", "✕", "Expired") if ended else Look("warn", "!", "Expires soon")


def accept_client(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets a client in."""
    client = _client_to_change(request, pk)
    if request.method == "POST" and onboarding.accept(
        client, actor=person(request), now=timezone.now()
    ):
        messages.success(request, f"{client} is accepted: its next request is answered.")
    return HttpResponseRedirect(reverse("admin:devices_client_change", args=[pk]))


def retire_client(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks, then turns a client away for good."""
    client = _client_to_change(request, pk)
    now = timezone.now()
    if request.method == "POST":
        if onboarding.retire(client, actor=person(request), now=now):
            messages.success(request, f"{client} is retired: it gets no answer any more.")
        return HttpResponseRedirect(reverse("admin:devices_client_change", args=[pk]))
    crumbs = [
        ("Clients", reverse("admin:devices_client_changelist")),
        (client.name, reverse("admin:devices_client_change", args=[pk])),
    ]
    context = {
        **page(request, f"Retire {client}?", now),
        "client": client,
        "leaving": (leaving := Device.objects.present().filter(client=client)),
        "device_count": leaving.count(),
        "crumbs": crumbs,
    }
    return render(request, "devices/retire.html", context)


def onboard_client(request: HttpRequest) -> HttpResponse:
    """Names the commands that let a new client in; changes nothing itself."""
    require(request, "devices.add_client")
    form = NewClientForm(request.GET if "name" in request.GET else None)
    name = form.cleaned_data["name"] if form.is_valid() else ""
    portal, problem = portal_identity()
    return render(
        request,
        "devices/onboard.html",
        {
            **page(request, "Onboard a client", timezone.now()),
            "form": form,
            "name": name,
            "known": Client.objects.filter(name=name).first() if name else None,
            "looks": CLIENT_LOOKS,
            "portal": portal,
            "problem": problem,
            "issue": manage("identity", "issue", name),
            "issue_csr": manage("identity", "issue", name, "--csr", f"{name}.csr"),
            "init": manage("identity", "init"),
            "place": settings.BASE_DIR,
            "folder": Path(settings.IDENTITY_DIR) / "clients" / (name or "NAME"),
            "address": f"https://{settings.DEVICE_HOST}:{settings.DEVICE_PORT}",
            "bundle": settings.TRUST_BUNDLE,
            "crumbs": [("Clients", reverse("admin:devices_client_changelist"))],
        },
    )


def portal_identity() -> tuple[expiry.Identity | None, str]:
    """The portal's identity, or the sentence that says why there is none."""
    try:
        return expiry.read(settings.SVID_CERTIFICATE, settings.TRUST_BUNDLE), ""
    except IdentityError as refusal:
        return None, str(refusal)
    except OSError as error:
        return None, f"{error.filename} cannot be read: {error.strerror}."


@dataclass(frozen=True, slots=True)
class Matches:
    """The devices a selector picks: how many, the first of them, or why it cannot be read."""

    count: int
    first: list[Device]
    error: str = ""


def matches(selector: str) -> Matches:
    """What a selector picks right now; an empty one picks nothing."""
    if not selector.strip():
        return Matches(0, [])
    try:
        found = Device.objects.present().filter(matching(selector))
    except SelectorError as refusal:
        return Matches(0, [], str(refusal))
    return Matches(found.count(), list(found[:SHOWN]))


def preview_selector(request: HttpRequest) -> HttpResponse:
    """The part of a group's page that says what the selector being typed picks."""
    require(request, "devices.view_devicegroup")
    selector = request.GET.get("selector", "")
    context = {"selector": selector, "matches": matches(selector)}
    return render(request, "devices/_matches.html", context)


def group_facts(group: DeviceGroup, now: datetime) -> dict[str, object]:
    """What a group's page shows besides its form."""
    members = members_of(group).select_related("client")
    return {
        "member_count": members.count(),
        "members": [(one, LOOKS[status(facts_of(one), now)]) for one in members[:SHOWN]],
        "matches": matches(group.selector),
        "selector": group.selector,
    }


def page(request: HttpRequest, title: str, now: datetime) -> dict[str, object]:
    """The frame of a page, with its title and its time."""
    return {**admin.site.each_context(request), "title": title, "now": now}


def note(request: HttpRequest, changed: Device, words: str) -> None:
    """Keeps who changed it."""
    LogEntry.objects.log_actions(person(request).pk, [changed], CHANGE, change_message=words)


def _client_to_change(request: HttpRequest, pk: int) -> Client:
    require(request, "devices.change_client")
    return get_object_or_404(Client, pk=pk)
