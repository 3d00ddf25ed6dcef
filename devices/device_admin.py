"""The list of devices in the admin, and the addresses of what is done to them."""

from copy import copy

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import look, panels
from accounts.asking import require
from accounts.pages import OwnPages
from devices import device_page, labels, labels_page
from devices.filters import (
    GroupFilter,
    LabelFilter,
    LabelKeyFilter,
    LabelValueFilter,
    StatusFilter,
)
from devices.models import Device
from devices.status import LOOKS, DeviceWithStatus, Status, with_status

#: The head of a column that needs none for those who see it.
TICKED = format_html('<span class="visually-hidden">{}</span>', "Tick")


class DeviceAdmin(OwnPages[Device]):
    """The list of devices; the page of one is `views.device_page`."""

    list_words = "Devices"
    list_lede = "Where applications can run, as the devices describe themselves."
    empty_title = "No devices yet"
    empty_words = "Onboard a client: the devices behind it appear here as soon as it reports them."
    search_words = "Device, vendor or serial number"

    columns = ("status", "path", "behind", "shown_labels", "maker", "seen")
    list_display = columns
    list_display_links = ("path",)
    list_filter = (LabelFilter, StatusFilter, LabelKeyFilter, LabelValueFilter, GroupFilter)
    search_fields = ("path", "client__name", "vendor", "model_number", "serial_number")
    list_select_related = ("client",)
    change_list_template = "devices/list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeviceWithStatus]:
        """Devices with their status; the raw documents stay in the database."""
        rows = super().get_queryset(request).defer("capabilities", "properties")
        return panels.with_columns(with_status(rows, timezone.now()), panels.Place.DEVICES)

    def get_list_display(self, request: HttpRequest) -> list[str | panels.Cell]:
        """The columns, with those of other apps at the end; who may label ticks rows."""
        tick = ["tick"] if self.has_change_permission(request) else []
        return [*tick, *self.columns, *panels.shown_columns(panels.Place.DEVICES)]

    def get_urls(self) -> list[URLPattern]:
        """Taking a device off the fleet has pages of its own."""
        guard, name = self.admin_site.admin_view, "devices_device"
        return [
            path("labels/", guard(self.label_many), name=f"{name}_labels"),
            path("<int:pk>/retire/", guard(device_page.retire), name=f"{name}_retire"),
            path("<int:pk>/delete/", guard(device_page.delete), name=f"{name}_delete"),
            *super().get_urls(),
        ]

    def label_many(self, request: HttpRequest) -> HttpResponse:
        """Labels of the ticked devices, or of all that the filters in the address leave."""
        require(request, "devices.change_device")
        narrowed = copy(request)
        narrowed.GET = QueryDict(labels_page.filters(request))
        try:
            listed = self.get_changelist_instance(narrowed).get_queryset(narrowed)
        except IncorrectLookupParameters:
            return redirect("admin:devices_device_changelist")
        return labels_page.label_many(request, listed)

    def page_of(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What it says of itself, and what it runs."""
        return device_page.device_page(request, pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a device: its client reports it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Device | None = None) -> bool:
        """Nobody deletes a device: its client does."""
        return False

    @admin.display(description=TICKED)
    def tick(self, device: Device) -> SafeString:
        """A box of the form above the table."""
        return format_html(
            '<input type="checkbox" name="ids" value="{}" form="labelling" aria-label="{}">',
            device.pk,
            device.path,
        )

    @admin.display(description="Status", ordering="status_now")
    def status(self, device: DeviceWithStatus) -> SafeString:
        """The status as a badge."""
        return look.badge(LOOKS[Status(device.status_now)])

    @admin.display(description="Client", ordering="client__name")
    def behind(self, device: Device) -> str:
        """The client that speaks for it."""
        return device.client.name

    @admin.display(description="Labels")
    def shown_labels(self, device: Device) -> SafeString | str:
        """Effective labels."""
        return look.labels(labels.effective(device.reported_labels, device.assigned_labels)) or "–"

    @admin.display(description="Vendor and model", ordering="vendor")
    def maker(self, device: Device) -> str:
        """Vendor and model."""
        return f"{device.vendor} {device.model_number}".strip() or "–"

    @admin.display(description="Last seen", ordering="client__last_seen_at")
    def seen(self, device: Device) -> SafeString | str:
        """When its client was last heard."""
        return look.ago(device.client.last_seen_at, timezone.now())
