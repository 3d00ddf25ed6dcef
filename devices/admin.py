"""Devices, groups and clients in the portal; the list of devices is in `device_admin`."""

from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib import admin
from django.db.models import Count, ManyToManyField, QuerySet
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import look
from accounts.pages import OwnPages, PortalAdmin
from devices import device_admin, views
from devices.filters import CertificateFilter
from devices.forms import GroupForm, MembersWidget
from devices.models import Client, Device, DeviceGroup

admin.site.register(Device, device_admin.DeviceAdmin)


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

    def facts_of(self, obj: DeviceGroup) -> dict[str, object]:
        """Who is in the group now."""
        return views.group_facts(obj, timezone.now())

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
class ClientAdmin(OwnPages[Client]):
    """Clients: the identities that poll and report, and the decision about each."""

    list_words = "Clients"
    list_lede = "The programs that fetch and report for devices, each with a certificate."
    add_words = "Onboard a client"
    empty_title = "No clients yet"
    empty_words = "A client is a program on a device or gateway. Give the first one a certificate."
    search_words = "Name or SPIFFE ID"

    list_display = ("name", "decision", "identity", "device_count", "seen", "expires", "manifest")
    list_filter = ("state", CertificateFilter)
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

    def page_of(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Who it is, how it is doing, the devices behind it."""
        return views.client_page(request, pk)

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
