"""Devices, groups and clients in the portal."""

from copy import copy
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Count, ManyToManyField, QuerySet
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import look, panels
from accounts.pages import PortalAdmin
from devices import device_page, labels, labels_page, views
from devices.filters import (
    GroupFilter,
    LabelFilter,
    LabelKeyFilter,
    LabelValueFilter,
    StatusFilter,
)
from devices.forms import GroupForm, MembersWidget
from devices.models import Client, Device, DeviceGroup
from devices.status import LOOKS, DeviceWithStatus, Status, with_status

#: The head of a column that needs none for those who see it.
TICKED = format_html('<span class="visually-hidden">{}</span>', "Tick")


class Picked(TypedDict):
    """What the list of groups adds to a row."""

    picked_count: int


class Speaking(TypedDict):
    """What the list of clients adds to a row."""

    device_total: int


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    CountedGroup = WithAnnotations[DeviceGroup, Picked]
    CountedClient = WithAnnotations[Client, Speaking]
else:
    CountedGroup, CountedClient = DeviceGroup, Client


@admin.register(Device)
class DeviceAdmin(PortalAdmin[Device]):
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
        views.require(request, "devices.change_device")
        narrowed = copy(request)
        narrowed.GET = QueryDict(labels_page.filters(request))
        try:
            listed = self.get_changelist_instance(narrowed).get_queryset(narrowed)
        except IncorrectLookupParameters:
            return redirect("admin:devices_device_changelist")
        return labels_page.label_many(request, listed)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """The device's own page."""
        return device_page.device_page(request, views.key(object_id))

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


@admin.register(DeviceGroup)
class GroupAdmin(PortalAdmin[DeviceGroup]):
    """Groups: a name, explicit members, a selector."""

    list_words = "Groups"
    list_lede = "Devices you think of as one: picked by hand, by their labels, or both."
    add_words = "Add a group"
    empty_title = "No groups yet"
    empty_words = "A group makes a deployment to the same devices one click."
    search_words = "Name or description"

    form = GroupForm
    autocomplete_fields = ("members",)
    list_display = ("name", "description", "picked", "shown_selector")
    search_fields = ("name", "description")
    change_form_template = "devices/group.html"
    delete_confirmation_template = "devices/group_delete.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[CountedGroup]:
        """Groups with the number of their explicit members."""
        return super().get_queryset(request).annotate(picked_count=Count("members"))

    def get_urls(self) -> list[URLPattern]:
        """One address more: what a selector being typed would pick."""
        preview = self.admin_site.admin_view(views.preview_selector)
        return [
            path("preview/", preview, name="devices_devicegroup_preview"),
            *super().get_urls(),
        ]

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Device, Device], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Device] | None:
        """Members are searched for as they are typed."""
        kwargs["widget"] = MembersWidget(db_field, self.admin_site)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, object],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: DeviceGroup | None = None,
    ) -> HttpResponse:
        """The form, with who is in the group now."""
        if obj is not None:
            context |= views.group_facts(obj, timezone.now())
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(
        self, request: HttpRequest, obj: DeviceGroup, form: ModelForm[DeviceGroup], change: bool
    ) -> None:
        """Saves it, with the time of a new one."""
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)

    @admin.display(description="Picked by hand", ordering="picked_count")
    def picked(self, group: CountedGroup) -> int:
        """How many explicit members."""
        return group.picked_count

    @admin.display(description="Label selector", ordering="selector")
    def shown_selector(self, group: DeviceGroup) -> SafeString | str:
        """The selector as typed."""
        return format_html("<code>{}</code>", group.selector) if group.selector else "–"


@admin.register(Client)
class ClientAdmin(PortalAdmin[Client]):
    """Clients: the identities that poll and report, and the decision about each."""

    list_words = "Clients"
    list_lede = "The programs that fetch and report for devices, each with a certificate."
    add_words = "Onboard a client"
    empty_title = "No clients yet"
    empty_words = "A client is a program on a device or gateway. Give the first one a certificate."
    search_words = "Name or SPIFFE ID"

    list_display = ("name", "decision", "identity", "device_count", "seen", "expires", "manifest")
    list_filter = ("state",)
    search_fields = ("name", "spiffe_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CountedClient]:
        """Clients with the number of devices behind each."""
        return super().get_queryset(request).annotate(device_total=Count("devices"))

    def get_urls(self) -> list[URLPattern]:
        """The two decisions have addresses of their own."""
        guard, name = self.admin_site.admin_view, "devices_client"
        return [
            path("<int:pk>/accept/", guard(views.accept_client), name=f"{name}_accept"),
            path("<int:pk>/retire/", guard(views.retire_client), name=f"{name}_retire"),
            *super().get_urls(),
        ]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """Onboarding: nothing is typed into the database, a certificate is issued."""
        return views.onboard_client(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """The client's own page."""
        return views.client_page(request, views.key(object_id))

    def has_delete_permission(self, request: HttpRequest, obj: Client | None = None) -> bool:
        """Nobody: its manifest counter must never be forgotten."""
        return False

    @admin.display(description="State", ordering="state")
    def decision(self, client: Client) -> SafeString:
        """The state as a badge."""
        return look.badge(views.CLIENT_LOOKS[client.state])

    @admin.display(description="SPIFFE ID", ordering="spiffe_id")
    def identity(self, client: Client) -> SafeString:
        """The whole id, cut off where the column ends."""
        return format_html(
            '<span class="clip mono" title="{}">{}</span>', client.spiffe_id, client.spiffe_id
        )

    @admin.display(description="Devices", ordering="device_total")
    def device_count(self, client: CountedClient) -> SafeString:
        """How many devices it speaks for, linked to them."""
        return format_html(
            '<a href="{}?client__id__exact={}">{}</a>',
            reverse("admin:devices_device_changelist"),
            client.pk,
            client.device_total,
        )

    @admin.display(description="Last seen", ordering="last_seen_at")
    def seen(self, client: Client) -> SafeString | str:
        """When it was last heard."""
        return look.ago(client.last_seen_at, timezone.now())

    @admin.display(description="Certificate expires", ordering="svid_not_after")
    def expires(self, client: Client) -> SafeString | str:
        """When its certificate ends; a badge when that is near."""
        now = timezone.now()
        warning = views.certificate_look(client.svid_not_after, now)
        when = look.ago(client.svid_not_after, now, "–")
        return format_html("{} {}", when, look.badge(warning)) if warning else when

    @admin.display(description="Manifest", ordering="manifest_version")
    def manifest(self, client: Client) -> int:
        """The version of the newest manifest published to it."""
        return client.manifest_version
