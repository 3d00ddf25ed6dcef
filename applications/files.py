"""The files of a version: icon and texts as its pages show them, and downloads as they came."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString

from applications.models import ApplicationVersion, Resource
from applications.prose import as_html

#: What an icon may be; anything else is not served at all.
ICON_TYPES = frozenset({"image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"})
#: How the address names the description itself, among the kinds of the resources beside it.
PACKAGE = "package"
TITLES = {"release_notes": "Release notes", "licence_file": "Licence"}


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the package; `html` is empty for a file that is no text."""

    title: str
    html: SafeString | str
    name: str
    address: str


def icon(request: HttpRequest, pk: int) -> HttpResponse:
    """The icon of a version, as a picture that can do nothing but be seen."""
    if not request.user.has_perm("applications.view_application"):
        raise PermissionDenied
    resource = get_object_or_404(Resource, version=pk, kind="icon", media_type__in=ICON_TYPES)
    return HttpResponse(
        bytes(resource.content),
        content_type=resource.media_type,
        headers={
            "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )


def download(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """A file of the package, byte for byte, to keep and never to be shown by the browser."""
    if not request.user.has_perm("applications.view_applicationversion"):
        raise PermissionDenied
    if kind == PACKAGE:
        version = get_object_or_404(ApplicationVersion.objects.only("raw"), pk=pk)
        return _kept("margo.yaml", bytes(version.raw))
    if kind not in TITLES:
        raise Http404
    resource = get_object_or_404(Resource, version=pk, kind=kind)
    return _kept(_name(resource), bytes(resource.content))


def icon_address(version: ApplicationVersion | None) -> str:
    """Where the icon is served, empty without one."""
    if version is None:
        return ""
    icons = version.resources.filter(kind="icon", media_type__in=ICON_TYPES)
    return reverse("admin:applications_icon", args=[version.pk]) if icons.exists() else ""


def about(version: ApplicationVersion | None) -> SafeString | str:
    """The longer description when the package has one, else the short one."""
    if version is None:
        return ""
    longer = version.resources.filter(kind="description_file").first()
    return as_html(_as_text(longer) if longer else version.description)


def texts_of(version: ApplicationVersion) -> list[Text]:
    """The package's other texts."""
    found = version.resources.filter(kind__in=TITLES).order_by("-kind")
    return [_text(version, one) for one in found]


def address_of(version: ApplicationVersion, kind: str) -> str:
    """Where a file of the package can be had."""
    return reverse("admin:applications_applicationversion_file", args=[version.pk, kind])


def _text(version: ApplicationVersion, one: Resource) -> Text:
    readable = one.media_type.startswith("text/")
    html = as_html(_as_text(one)) if readable else ""
    return Text(TITLES[one.kind], html, _name(one), address_of(version, one.kind))


def _kept(name: str, content: bytes) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _name(resource: Resource) -> str:
    return resource.path.rpartition("/")[2]


def _as_text(resource: Resource) -> str:
    return bytes(resource.content).decode("utf-8", "replace")
