"""The page of one device: what it is, how it is, its labels, and taking it off the fleet."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone

from accounts.asking import person, require
from accounts.look import Look
from devices import described, labels, registry
from devices.forms import LabelsForm, lines
from devices.groups import groups_of
from devices.models import Device, DeviceQuerySet
from devices.status import LOOKS, MEANINGS, facts_of, status
from devices.views import SHOWN, certificate_look, note, page


def device_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A device: what it is, how it is, its labels, what runs on it; assigned labels by POST."""
    require(request, "devices.view_device")
    now = timezone.now()
    device = get_object_or_404(Device.objects.select_related("client"), pk=pk)
    posted = request.POST if request.method == "POST" else None
    form = LabelsForm(posted, initial={"labels": lines(assigned(device))})
    if posted is not None:
        require(request, "devices.change_device")
        if form.is_valid():
            labels.assign(device, form.cleaned_data["labels"])
            note(request, device, "Assigned labels changed.")
            messages.success(request, f"The labels of {device} were changed.")
            return redirect("admin:devices_device_change", pk)
    state = status(facts_of(device), now)
    context = {
        **page(request, device.path, now),
        **about(device),
        "look": LOOKS[state],
        "meaning": MEANINGS[state],
        "children": children(device, now),
        "certificate": certificate_look(device.client.svid_not_after, now),
        "form": form,
        "may_change": request.user.has_perm("devices.change_device"),
        "may_retire": request.user.has_perm("devices.delete_device"),
        "crumbs": [("Devices", reverse("admin:devices_device_changelist"))],
    }
    return render(request, "devices/device.html", context)


def about(device: Device) -> dict[str, object]:
    """What it says of itself and what operators said of it."""
    return {
        "device": device,
        "facts": described.facts(device),
        "document": described.document(device),
        "reported": labels.effective(device.reported_labels, {}),
        "assigned": assigned(device),
        "groups": groups_of(device),
    }


def assigned(device: Device) -> dict[str, list[str]]:
    """The labels that operators gave it."""
    return labels.effective({}, device.assigned_labels)


def children(device: Device, now: datetime) -> list[tuple[Device, Look]]:
    """The first devices behind it, each with its look."""
    rows = behind(device).select_related("client")[:SHOWN]
    return [(row, LOOKS[status(facts_of(row), now)]) for row in rows]


def behind(device: Device) -> DeviceQuerySet:
    """The devices behind a gateway."""
    return Device.objects.filter(client=device.client, path__startswith=f"{device.path}/")


def retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what it means, then takes a device off the fleet."""
    device = _to_remove(request, pk)
    if device.removed_at is not None:
        messages.error(request, f"The device {device} has left the fleet already.")
    elif request.method != "POST":
        return _ask_to_retire(request, device)
    elif count := registry.retire(device, actor=person(request), now=timezone.now()):
        along = f", and the {count - 1} behind it" if count > 1 else ""
        messages.success(request, f"The device {device} is retired{along}.")
    return redirect("admin:devices_device_change", pk)


def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what it means, then forgets a device that has left and never ran anything."""
    device = _to_remove(request, pk)
    try:
        if request.method != "POST":
            registry.refuse_present(device)
            context = {**_frame(request, f"Delete {device}?", device), "device": device}
            return render(request, "devices/delete.html", context)
        registry.delete(device, actor=person(request))
    except registry.DeviceStaysError as refusal:
        messages.error(request, str(refusal))
        return redirect("admin:devices_device_change", pk)
    messages.success(request, f"The device {device} is deleted.")
    return redirect("admin:devices_device_changelist")


def _ask_to_retire(request: HttpRequest, device: Device) -> HttpResponse:
    along = behind(device).filter(removed_at=None)
    context = {
        **_frame(request, f"Retire {device}?", device),
        "device": device,
        "along": along.count(),
        "leaving": Device.objects.filter(pk=device.pk) | along,
    }
    return render(request, "devices/retire_device.html", context)


def _frame(request: HttpRequest, title: str, device: Device) -> dict[str, object]:
    crumbs = [
        ("Devices", reverse("admin:devices_device_changelist")),
        (device.path, reverse("admin:devices_device_change", args=[device.pk])),
    ]
    return {**page(request, title, timezone.now()), "crumbs": crumbs}


def _to_remove(request: HttpRequest, pk: int) -> Device:
    require(request, "devices.delete_device")
    return get_object_or_404(Device.objects.select_related("client"), pk=pk)
