"""What the lists of devices and clients can be narrowed by."""

from datetime import datetime, timedelta

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.asking import is_key
from devices import known_labels, selectors
from devices.groups import members_of
from devices.models import Client, Device, DeviceGroup, DeviceLabel
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


class LabelKeyFilter(admin.SimpleListFilter):
    """Devices that have a label, whatever its value."""

    title = "label"
    parameter_name = "key"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """The first keys by name, and the chosen one."""
        return [(key, key) for key in _with(known_labels.keys(), _asked(request, "key") or None)]

    def has_output(self) -> bool:
        """Also without any label: the filter says so itself."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        """Those that have it."""
        if not (key := _asked(request, "key")):
            return queryset
        return queryset.filter(pk__in=DeviceLabel.objects.filter(key=key).values("device"))


class LabelValueFilter(admin.SimpleListFilter):
    """Devices by the value of the label that was chosen; the address has both, as key=value."""

    title = "value"
    parameter_name = "value"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """The first values of the chosen key, and the chosen one; nothing without a key."""
        if not (key := _asked(request, "key")):
            return []
        values = _with(known_labels.values(key), _value_of(request, key))
        return [(f"{key}={value}", value or "(empty)") for value in values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        """Those that have this value; one of another key is left over, and asks for nothing."""
        key = _asked(request, "key")
        if not key or (value := _value_of(request, key)) is None:
            return queryset
        rows = DeviceLabel.objects.filter(key=key, value=value)
        return queryset.filter(pk__in=rows.values("device"))


def _asked(request: HttpRequest, name: str) -> str:
    """What the address says, without NUL: no label has one, and PostgreSQL takes none."""
    return request.GET.get(name, "").replace("\0", "")


def _value_of(request: HttpRequest, key: str) -> str | None:
    given, own = _asked(request, "value"), f"{key}="
    return given.removeprefix(own) if given.startswith(own) else None


def _with(known: list[str], chosen: str | None) -> list[str]:
    return known if chosen is None or chosen in known else [*known, chosen]
