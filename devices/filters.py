"""What the lists of devices and clients can be narrowed by."""

from datetime import datetime, timedelta

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from devices import selectors
from devices.forms import is_key
from devices.groups import members_of
from devices.models import Client, Device, DeviceGroup
from devices.status import LOOKS, DeviceWithStatus, Status

#: A client's certificate that ends sooner is warned about.
EXPIRES_SOON = timedelta(days=14)
#: A menu with more entries helps nobody; those groups are reached from the list of groups.
MOST_GROUPS = 100


def ending(clients: QuerySet[Client], now: datetime) -> QuerySet[Client]:
    """Accepted clients whose certificate, as last shown, has ended or soon will."""
    return clients.filter(state=Client.State.ACCEPTED, svid_not_after__lte=now + EXPIRES_SOON)


class StatusFilter(admin.SimpleListFilter):
    """Devices by their status now."""

    title = "status"
    parameter_name = "status"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """The five statuses."""
        return [(one.value, LOOKS[one].words) for one in Status]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[DeviceWithStatus]
    ) -> QuerySet[DeviceWithStatus]:
        """Those with the chosen status; the list has `status_now` already."""
        status = self.value()
        return queryset.filter(status_now=status) if status else queryset


class GroupFilter(admin.SimpleListFilter):
    """Devices of a group, by membership or selector."""

    title = "group"
    parameter_name = "group"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """The first groups by name."""
        groups = DeviceGroup.objects.values_list("pk", "name")[:MOST_GROUPS]
        return [(str(pk), name) for pk, name in groups]

    def has_output(self) -> bool:
        """Also without any group: the filter says so itself."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        """Those in the chosen group; none for a group that is not there (any more)."""
        key = self.value()
        if key is None:
            return queryset
        group = DeviceGroup.objects.filter(pk=int(key)).first() if is_key(key) else None
        return queryset.filter(pk__in=members_of(group).values("pk")) if group else queryset.none()


class CertificateFilter(admin.SimpleListFilter):
    """Clients by the end of their certificates."""

    title = "certificate"
    parameter_name = "certificate"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """Those whose certificate has ended or is about to."""
        return [("ending", "Expired or expires soon")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        """Those with the chosen end."""
        return ending(queryset, timezone.now()) if self.value() == "ending" else queryset


class LabelFilter(admin.SimpleListFilter):
    """Devices by a label selector, typed."""

    title = "labels"
    parameter_name = "labels"
    typed = True
    placeholder = "Labels: site=berlin, !old"
    error = ""

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """Nothing to choose from: it is typed."""
        return []

    def has_output(self) -> bool:
        """There is a field for it all the same."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        """Those that match; none, and a sentence, when it cannot be read."""
        try:
            return queryset.filter(selectors.matching(self.value() or ""))
        except selectors.SelectorError as refusal:
            self.error = str(refusal)
            return queryset.none()
