"""Pages of the catalogue: an application, a version, its state, importing a package."""

from collections.abc import Sequence

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from accounts.asking import person, require
from accounts.look import Look
from applications.files import PACKAGE, about, address_of, icon_address, texts_of
from applications.forms import PackageForm
from applications.importing import ImportRefusedError, import_package
from applications.models import Application, ApplicationVersion
from applications.package import Finding
from applications.shown import Profile, parameters_of, types_of

STATE_LOOKS: dict[str, Look] = {
    "available": Look("ok", "✓", "Available"),
    "deprecated": Look("idle", "⊘", "Deprecated"),
}
VERBS = {"available": "Make available again:", "deprecated": "Deprecate"}
#: A package larger than this is refused before it is read.
MOST_BYTES = 100 * 1024 * 1024


def application_page(request: HttpRequest, pk: int) -> HttpResponse:
    """An application: what it is, its versions, where it is deployed."""
    require(request, "applications.view_application")
    application = get_object_or_404(Application, pk=pk)
    versions = list(
        application.versions.defer("raw", "parameters", "sections", "schemas").select_related(
            "imported_by"
        )
    )
    newest = versions[0] if versions else None
    available = next((one for one in versions if one.state == "available"), None)
    return render(
        request,
        "applications/application.html",
        {
            **page(request, application.name),
            "application": application,
            "newest": newest,
            "available": available,
            "versions": [(one, STATE_LOOKS[one.state], types_of(one)) for one in versions],
            "catalog": newest.catalog if newest else {},
            "icon": icon_address(newest),
            "about": about(newest),
            "site": web_address(newest),
            "crumbs": [("Applications", reverse("admin:applications_application_changelist"))],
        },
    )


def version_page(request: HttpRequest, pk: int) -> HttpResponse:
    """A version: its profiles and what they ask, its parameters, its bytes."""
    require(request, "applications.view_applicationversion")
    version = get_object_or_404(
        ApplicationVersion.objects.select_related("application", "imported_by"), pk=pk
    )
    address = reverse("admin:applications_application_change", args=[version.application_id])
    return render(
        request,
        "applications/version.html",
        {
            **page(request, str(version)),
            "version": version,
            "look": STATE_LOOKS[version.state],
            "profiles": [Profile.of(one) for one in version.profiles],
            "parameters": parameters_of(version),
            "raw": bytes(version.raw).decode("utf-8", "replace"),
            "raw_address": address_of(version, PACKAGE),
            "texts": texts_of(version),
            "about": about(version),
            "site": web_address(version),
            "icon": icon_address(version),
            "may_change": request.user.has_perm("applications.change_applicationversion"),
            "crumbs": [
                ("Applications", reverse("admin:applications_application_changelist")),
                (version.application.name, address),
            ],
        },
    )


def change_state(request: HttpRequest, pk: int, state: str) -> HttpResponse:
    """Deprecates a version, or makes it available again; says before what that means."""
    require(request, "applications.change_applicationversion")
    versions = ApplicationVersion.objects.select_related("application").defer("raw")
    version = get_object_or_404(versions, pk=pk)
    if state not in STATE_LOOKS:
        raise Http404
    address = reverse("admin:applications_applicationversion_change", args=[pk])
    if request.method != "POST":
        context = {
            **page(request, f"{VERBS[state]} {version}?"),
            "version": version,
            "deprecates": state == ApplicationVersion.State.DEPRECATED,
            "address": address,
            "crumbs": [
                ("Applications", reverse("admin:applications_application_changelist")),
                (str(version), address),
            ],
        }
        return render(request, "applications/state.html", context)
    _change_state(request, version, state)
    return HttpResponseRedirect(address)


def _change_state(request: HttpRequest, version: ApplicationVersion, state: str) -> None:
    version.state = state
    version.save(update_fields=["state"])
    words = STATE_LOOKS[state].words.lower()
    LogEntry.objects.log_actions(
        person(request).pk, [version], CHANGE, change_message=f"Made {words}."
    )
    messages.success(request, f"{version} is {words} now.")


def import_page(request: HttpRequest) -> HttpResponse:
    """Takes a package; a refused one changes nothing and every finding is listed."""
    require(request, "applications.add_applicationversion")
    posted = request.method == "POST"
    form = PackageForm(request.POST, request.FILES) if posted else PackageForm()
    findings: Sequence[Finding] = ()
    if posted and form.is_valid():
        try:
            return _take(request, form.cleaned_data["package"])
        except ImportRefusedError as refusal:
            form.add_error("package", str(refusal))
            findings = refusal.findings
    context = {
        **page(request, "Import a package"),
        "form": form,
        "findings": findings,
        "crumbs": [("Applications", reverse("admin:applications_application_changelist"))],
    }
    return render(request, "applications/import.html", context)


def _take(request: HttpRequest, upload: UploadedFile[bytes]) -> HttpResponse:
    name = upload.name or "the file"
    if (upload.size or 0) > MOST_BYTES:
        raise ImportRefusedError(f"{name}: it is larger than 100 MiB.")
    result = import_package(upload.read(), name, actor=person(request), now=timezone.now())
    if result.created:
        messages.success(request, f"{result.version} was imported.")
    else:
        messages.info(request, f"{result.version} was here already, exactly so: nothing changed.")
    address = reverse("admin:applications_applicationversion_change", args=[result.version.pk])
    return HttpResponseRedirect(address)


def web_address(version: ApplicationVersion | None) -> str:
    """The application's site; only a web address is ever made a link."""
    site = str(version.catalog.get("site") or "") if version else ""
    return site if site.startswith(("https://", "http://")) else ""


def page(request: HttpRequest, title: str) -> dict[str, object]:
    """The frame of a page, with its title."""
    return {**admin.site.each_context(request), "title": title}
