"""What the overview says about the fleet."""

from datetime import datetime

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from devices import views
from devices.filters import ending
from devices.identity import expiry
from devices.models import Client, Device
from devices.status import LOOKS, counts


def fleet(request: HttpRequest, shown: object | None) -> SafeString | None:
    """Devices by status, clients that wait for a decision, certificates that are about to end."""
    if not request.user.has_perm("devices.view_device"):
        return None
    now = timezone.now()
    found = counts(Device.objects.all(), now)
    context = {
        "now": now,
        "total": sum(found.values()),
        "tiles": [(status.value, LOOKS[status], count) for status, count in found.items()],
        "warnings": _warnings(request),
        "waiting": _waiting(request),
        "ending": _ending(request, now),
    }
    return render_to_string("devices/_fleet.html", context, request)


def _waiting(request: HttpRequest) -> int:
    """Clients to accept or not, for those who decide that."""
    if not request.user.has_perm("devices.change_client"):
        return 0
    return Client.objects.filter(state=Client.State.PENDING).count()


def _ending(request: HttpRequest, now: datetime) -> int:
    """Clients that cannot connect any more or soon, for those who see clients."""
    if not request.user.has_perm("devices.view_client"):
        return 0
    return ending(Client.objects.all(), now).count()


def _warnings(request: HttpRequest) -> list[str]:
    """The portal's own certificates that are about to end, for those who see clients."""
    if not request.user.has_perm("devices.view_client"):
        return []
    portal, _ = views.portal_identity()
    return expiry.warnings(portal, timezone.now()) if portal else []
