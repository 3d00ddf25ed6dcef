"""What the lists of devices and clients can be narrowed by."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from devices import known_labels, selectors
from devices.forms import is_key
from devices.groups import members_of
from devices.models import Device, DeviceGroup, DeviceLabel
from devices.status import LOOKS, DeviceWithStatus, Status

#: A menu with more entries helps nobody; those groups are reached from the list of groups.
MOST_GROUPS = 100


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
        return _choices(known_labels.keys(), request.GET.get("key"))

    def has_output(self) -> bool:
        """Also without any label: the filter says so itself."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        """Those that have it."""
        key = self.value()
        having = DeviceLabel.objects.filter(key=key).values("device")
        return queryset.filter(pk__in=having) if key else queryset


class LabelValueFilter(admin.SimpleListFilter):
    """Devices by the value of the label that was chosen; the address has both, as key=value."""

    title = "value"
    parameter_name = "value"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """The first values of the chosen key; nothing without one."""
        if not (key := request.GET.get("key")):
            return []
        given, own = request.GET.get("value", ""), f"{key}="
        chosen = given.removeprefix(own) if given.startswith(own) else None
        values = _choices(known_labels.values(key), chosen)
        return [(f"{key}={value}", words) for value, words in values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Device]) -> QuerySet[Device]:
        """Those that have this value; one of another key is left over, and asks for nothing."""
        key, value = request.GET.get("key"), self.value()
        if not key or value is None or not value.startswith(f"{key}="):
            return queryset
        rows = DeviceLabel.objects.filter(key=key, value=value.removeprefix(f"{key}="))
        return queryset.filter(pk__in=rows.values("device"))


def _choices(known: list[str], chosen: str | None) -> list[tuple[str, str]]:
    if chosen is not None and chosen not in known:
        known = [*known, chosen]
    return [(one, one or "(empty)") for one in known]
