"""The catalogue as people see it, and importing a package in the portal."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from applications.models import Application, ApplicationVersion, Resource
from tests.portal import world

pytestmark = pytest.mark.django_db

IMPORT = "admin:applications_application_add"
GOOD = b"""\
apiVersion: v1
id: com-example-pump
metadata:
  name: Pump control
  version: 1.2.0
  catalog:
    application:
      icon: icon.svg
    organization:
      - name: Example
deploymentProfiles:
  - id: pump-compose
    type: compose
    components:
      - name: pump
        properties:
          repository: oci://registry.example.com/pump
          revision: 1.2.0
"""


def upload(browser: Browser, data: bytes, name: str = "margo.yaml") -> tuple[int, str]:
    """Imports a file; the status of the answer and the text of the page it leads to."""
    answer = browser.post(reverse(IMPORT), {"package": SimpleUploadedFile(name, data)})
    page = browser.get(answer.headers["Location"]) if answer.status_code == 302 else answer
    return answer.status_code, page.content.decode()


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(GOOD, "margo.yaml", id="a description"),
        pytest.param(zipped(margo_yaml=GOOD, icon_svg=b"<svg/>"), "pump.zip", id="a zip"),
    ],
)
def test_an_admin_imports_a_package(data: bytes, name: str, admin: Browser) -> None:
    status, text = upload(admin, data, name)

    assert status == 302
    version = ApplicationVersion.objects.get()
    assert bytes(version.raw) == GOOD
    assert version.imported_by is not None
    assert "Pump control 1.2.0 was imported." in text
    assert "oci://registry.example.com/pump" in text


def test_the_same_package_again_changes_nothing_and_says_so(admin: Browser) -> None:
    upload(admin, GOOD)
    status, text = upload(admin, GOOD)
    assert status == 302
    assert "nothing changed" in text
    assert ApplicationVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        pytest.param(b"{}", "margo.yaml", "margo.yaml: ", id="no description"),
        pytest.param(b"PK\x03\x04rubbish", "pump.zip", "pump.zip: ", id="no archive"),
        pytest.param(b"", "margo.yaml", "empty", id="an empty file"),
        pytest.param(GOOD.replace(b"type: compose", b"typo: x"), "m.yaml", "Line ", id="a typo"),
    ],
)
def test_a_refused_package_changes_nothing(
    data: bytes, name: str, sentence: str, admin: Browser
) -> None:
    status, text = upload(admin, data, name)
    assert status == 200
    assert sentence in text
    assert not Application.objects.exists()


def test_every_finding_of_a_refused_package_is_listed_with_its_line(admin: Browser) -> None:
    broken = GOOD.replace(b"  name: Pump control\n", b"").replace(b"    type: compose\n", b"")
    _, text = upload(admin, broken)
    assert "What is wrong with it" in text
    assert text.count('<th scope="row" class="mono">') >= 2


def test_other_bytes_under_the_same_version_are_refused(admin: Browser) -> None:
    upload(admin, GOOD)
    status, text = upload(admin, GOOD + b"# changed\n")
    assert status == 200
    assert "already here with other content" in text


def test_a_version_is_read_only_but_for_its_state(admin: Browser, operator: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    address = reverse(
        "admin:applications_applicationversion_state", args=[version.pk, "deprecated"]
    )

    assert operator.post(address).status_code == 403
    assert admin.post(address).status_code == 302

    version.refresh_from_db()
    assert version.state == "deprecated"
    with pytest.raises(ValueError, match="immutable"):
        version.save()
    page = admin.get(reverse("admin:applications_applicationversion_change", args=[version.pk]))
    assert "Make available again" in page.content.decode()


def test_an_icon_is_served_as_a_picture_that_can_do_nothing(viewer: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    picture = viewer.get(reverse("admin:applications_icon", args=[version.pk]))
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert picture.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_an_icon_of_another_kind_is_not_served(viewer: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    version.resources.update(media_type="text/html")
    assert viewer.get(reverse("admin:applications_icon", args=[version.pk])).status_code == 404


def test_the_pages_escape_what_a_package_says(viewer: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    for address in (
        reverse("admin:applications_application_changelist"),
        reverse("admin:applications_application_change", args=[version.application_id]),
        reverse("admin:applications_applicationversion_change", args=[version.pk]),
    ):
        text = viewer.get(address).content.decode()
        assert "Pump &lt;b&gt;control&lt;/b&gt;" in text
        assert "<b>control" not in text
        assert "<i>pumping" not in text
        assert 'href="ftp:' not in text


def test_the_list_shows_the_newest_version_of_each_application(viewer: Browser) -> None:
    world.version_of("com.example.pump", "1.0.0")
    world.version_of("com.example.pump", "2.0.0")
    (row,) = (
        viewer.get(reverse("admin:applications_application_changelist")).context["cl"].result_list
    )
    assert row.newest == "2.0.0"


def titles(browser: Browser, **asked: str) -> list[str]:
    """The applications that the list shows for these filters."""
    answer = browser.get(reverse("admin:applications_application_changelist"), asked)
    return [one.app_id for one in answer.context["cl"].result_list]


def shelved(app_id: str, number: str, tags: list[str], organization: str) -> ApplicationVersion:
    version = world.version_of(app_id, number)
    catalog = {"tags": tags, "organizations": [{"name": organization}]}
    ApplicationVersion.objects.filter(pk=version.pk).update(catalog=catalog)
    return version


def test_the_list_is_narrowed_by_tag_and_by_organization_and_by_both(viewer: Browser) -> None:
    shelved("a", "1", ["pumps", "Größe & “so”"], "North")
    shelved("b", "1", ["pumps"], "South")
    shelved("c", "1", ["pump"], "South")

    assert titles(viewer, tag="pumps") == ["a", "b"]
    assert titles(viewer, tag="Größe & “so”") == ["a"]
    assert titles(viewer, organization="South") == ["b", "c"]
    assert titles(viewer, tag="pumps", organization="South") == ["b"]
    assert titles(viewer, tag="nowhere") == []
    assert titles(viewer) == ["a", "b", "c"]


def test_the_newest_version_says_what_an_application_is_found_by(viewer: Browser) -> None:
    shelved("a", "1", ["old"], "North")
    shelved("a", "2", ["new"], "North")
    assert titles(viewer, tag="old") == []
    assert titles(viewer, tag="new") == ["a"]


def test_the_tags_of_a_page_lead_to_the_others_that_have_them(viewer: Browser) -> None:
    version = shelved("a", "1", ["a&b"], "North")
    page = reverse("admin:applications_application_change", args=[version.application_id])
    text = viewer.get(page).content.decode()
    assert "?tag=a%26b" in text
    assert "?organization=North" in text
    listed = viewer.get(reverse("admin:applications_application_changelist")).content.decode()
    assert 'href="?tag=a%26b"' in listed


def test_the_list_costs_as_much_for_thirty_applications_as_for_three(viewer: Browser) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert titles(viewer, tag="pumps")
        return len(seen)

    for number in range(3):
        shelved(f"app-{number}", "1", ["pumps", f"tag-{number}"], f"Org {number}")
    few = cost()
    for number in range(3, 30):
        shelved(f"app-{number}", "1", ["pumps", f"tag-{number}"], f"Org {number}")

    assert cost() == few


def file_of(browser: Browser, version: ApplicationVersion, kind: str) -> HttpResponse:
    names = [version.pk, kind]
    return browser.get(reverse("admin:applications_applicationversion_file", args=names))


def test_the_package_is_had_byte_for_byte_and_never_shown_by_the_browser(viewer: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    version.refresh_from_db()
    answer = file_of(viewer, version, "package")
    assert answer.content == bytes(version.raw)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="margo.yaml"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_texts_are_read_on_the_page_and_other_files_are_downloaded(viewer: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    for kind, path, media_type, content in (
        ("release_notes", "docs/new.md", "text/markdown", b"# New\n\n- faster"),
        ("licence_file", "licence.pdf", "application/pdf", b"%PDF \x00\xff"),
    ):
        Resource.objects.create(
            version=version, kind=kind, path=path, media_type=media_type, content=content
        )
    page = reverse("admin:applications_applicationversion_change", args=[version.pk])
    text = viewer.get(page).content.decode()

    assert "<li>faster</li>" in text
    assert "Download new.md" in text
    assert "It is no text that can be shown here." in text
    assert file_of(viewer, version, "licence_file").content == b"%PDF \x00\xff"
    assert file_of(viewer, version, "icon").status_code == 404


def test_deprecating_says_before_what_it_means(admin: Browser) -> None:
    version = world.version_of("com.example.pump", "1.0.0")
    address = reverse(
        "admin:applications_applicationversion_state", args=[version.pk, "deprecated"]
    )
    text = admin.get(address).content.decode()

    assert "It cannot be picked for a new deployment" in text
    assert "Where it runs, it keeps running." in text
    version.refresh_from_db()
    assert version.state == "available"
