"""The catalogue in the portal."""

from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import JSONField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts import look, panels
from accounts.pages import OwnPages
from applications import files, views
from applications.catalogue import OrganizationFilter, TagFilter, organizations_of, tags_of
from applications.models import Application, ApplicationVersion, Resource
from applications.shown import types_of


class Newest(TypedDict):
    """What the list adds to an application: facts of its newest version."""

    newest: str | None
    newest_pk: int | None
    newest_catalog: dict[str, object] | None
    newest_icon: int | None


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    Listed = WithAnnotations[Application, Newest]
else:
    Listed = Application


@admin.register(Application)
class ApplicationAdmin(OwnPages[Application]):
    """The list of applications; the page of one is `views.application_page`."""

    list_words = "Applications"
    list_lede = "What can be rolled out, as imported from Margo packages."
    add_words = "Import a package"
    empty_title = "The catalogue is empty"
    empty_words = "Import a Margo application package: its margo.yaml, or a .tar.gz or .zip of it."
    search_words = "Name or application ID"

    columns = ("title", "organization", "newest_version", "tagline")
    list_display = columns
    list_filter = (TagFilter, OrganizationFilter)
    search_fields = ("name", "app_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listed]:
        """Applications with their newest version, all in one query."""
        newest = ApplicationVersion.objects.filter(application=OuterRef("pk"))
        icons = Resource.objects.filter(
            version=OuterRef("newest_pk"), kind="icon", media_type__in=files.ICON_TYPES
        )
        rows = (
            super()
            .get_queryset(request)
            .annotate(
                newest=Subquery(newest.values("version")[:1]),
                newest_pk=Subquery(newest.values("pk")[:1]),
                newest_catalog=Subquery(newest.values("catalog")[:1], output_field=JSONField()),
            )
            .annotate(newest_icon=Subquery(icons.values("pk")[:1]))
        )
        return panels.with_columns(rows, panels.Place.APPLICATIONS)

    def get_list_display(self, request: HttpRequest) -> list[str | panels.Cell]:
        """The columns, with those of other apps at the end."""
        return [*self.columns, *panels.shown_columns(panels.Place.APPLICATIONS)]

    def get_urls(self) -> list[URLPattern]:
        """The icon has an address of its own."""
        guard = self.admin_site.admin_view
        return [
            path("icon/<int:pk>/", guard(files.icon), name="applications_icon"),
            *super().get_urls(),
        ]

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        """An application comes into being by an import."""
        return views.import_page(request)

    def page_of(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What it is, its versions, where it is deployed."""
        return views.application_page(request, pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may import."""
        return request.user.has_perm("applications.add_applicationversion")

    def has_change_permission(self, request: HttpRequest, obj: Application | None = None) -> bool:
        """Nobody: an application is what its packages say."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Application | None = None) -> bool:
        """Nobody: what ran must stay explainable."""
        return False

    @admin.display(description="Application", ordering="name")
    def title(self, application: Listed) -> SafeString:
        """Icon and name."""
        if application.newest_icon is None:
            initial = application.name[:1].upper()
            mark = format_html('<span class="app-icon" aria-hidden="true">{}</span>', initial)
        else:
            address = reverse("admin:applications_icon", args=[application.newest_pk])
            mark = format_html('<img class="app-icon" src="{}" alt="">', address)
        return format_html('<span class="app-title">{}{}</span>', mark, application.name)

    @admin.display(description="Organization")
    def organization(self, application: Listed) -> str:
        """Who publishes it."""
        return ", ".join(organizations_of(application.newest_catalog)) or "–"

    @admin.display(description="Newest version")
    def newest_version(self, application: Listed) -> str:
        """The version imported last."""
        return application.newest or "–"

    @admin.display(description="About")
    def tagline(self, application: Listed) -> SafeString:
        """Its line in the catalogue, and its tags, each a link to the others that have it."""
        line = str((application.newest_catalog or {}).get("tagline") or "–")
        chips = format_html_join(
            "",
            '<a class="label-chip" href="?{}">{}</a>',
            ((urlencode({"tag": one}), one) for one in tags_of(application.newest_catalog)),
        )
        return (
            format_html('{}<span class="under">{}</span>', line, chips)
            if chips
            else format_html("{}", line)
        )


@admin.register(ApplicationVersion)
class VersionAdmin(OwnPages[ApplicationVersion]):
    """Versions: read-only pages, reached from their application."""

    list_words = "Versions"
    list_lede = "Every version in the catalogue, newest first."
    empty_title = "The catalogue is empty"
    empty_words = "Import a package on the page of applications."
    search_words = "Application or version"

    list_display = ("__str__", "shown_state", "kinds", "imported")
    list_filter = ("state",)
    list_select_related = ("application",)
    search_fields = ("application__name", "application__app_id", "version")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApplicationVersion]:
        """Versions without their bytes."""
        return super().get_queryset(request).defer("raw", "parameters", "sections", "schemas")

    def get_urls(self) -> list[URLPattern]:
        """Changing the state and taking a file away have addresses of their own."""
        guard, name = self.admin_site.admin_view, "applications_applicationversion"
        return [
            path("<int:pk>/state/<str:state>/", guard(views.change_state), name=f"{name}_state"),
            path("<int:pk>/file/<str:kind>/", guard(files.download), name=f"{name}_file"),
            *super().get_urls(),
        ]

    def page_of(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Its profiles, its parameters, its bytes."""
        return views.version_page(request, pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Not here: a version comes with its package."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: ApplicationVersion | None = None
    ) -> bool:
        """Nobody: devices may run it."""
        return False

    @admin.display(description="State", ordering="state")
    def shown_state(self, version: ApplicationVersion) -> SafeString:
        """The state as a badge."""
        return look.badge(views.STATE_LOOKS[version.state])

    @admin.display(description="Profiles")
    def kinds(self, version: ApplicationVersion) -> str:
        """The deployment types it offers."""
        return types_of(version)

    @admin.display(description="Imported", ordering="imported_at")
    def imported(self, version: ApplicationVersion) -> SafeString | str:
        """How long ago."""
        return look.ago(version.imported_at, timezone.now())
