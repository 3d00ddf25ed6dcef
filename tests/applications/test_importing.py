"""Importing a package: what is kept, what changes nothing, and what is refused."""

import hashlib
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from threading import Barrier

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from applications import importing
from applications.importing import ImportRefusedError, ImportResult, import_package
from applications.models import Application, ApplicationVersion, Resource
from applications.package import Package
from tests.applications.descriptions import described

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ICON = b"<svg/>"
FILES = {
    "resources/icon.svg": ICON,
    "resources/description.md": b"# Mixer",
    "resources/license.txt": b"MIT",
    "resources/release-notes.md": b"New",
}


def packed(raw: bytes, files: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in {"margo.yaml": raw, **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return buffer.getvalue()


def imported(data: bytes, actor: User | None = None) -> ImportResult:
    return import_package(data, "upload.tar.gz", actor=actor, now=NOW)


def refusal(data: bytes) -> str:
    with pytest.raises(ImportRefusedError) as refused:
        imported(data)
    return str(refused.value)


@pytest.mark.django_db
class TestAnImport:
    def test_keeps_the_bytes_and_what_was_read_from_them(self) -> None:
        raw = described()
        actor = User.objects.create(username="ada")
        version = imported(packed(raw, FILES), actor).version
        version.refresh_from_db()
        assert bytes(version.raw) == raw
        assert version.digest == f"sha256:{hashlib.sha256(raw).hexdigest()}"
        assert (version.application.app_id, version.version) == ("com-example-mixer", "1.10")
        assert (version.imported_at, version.imported_by) == (NOW, actor)
        assert version.state == ApplicationVersion.State.AVAILABLE
        assert version.warnings == []

    def test_stores_everything_that_the_parser_read(self) -> None:
        version = imported(described()).version
        version.refresh_from_db()
        expected = importing.parse(described()).as_data()
        stored = ("profiles", "parameters", "sections", "schemas", "catalog", "extensions")
        for column in (*stored, "api_version", "description"):
            assert getattr(version, column) == expected[column]

    def test_keeps_the_resources_that_the_description_names_and_no_others(self) -> None:
        data = packed(described(), {**FILES, "resources/other.bin": b"x"})
        resources = imported(data).version.resources.order_by("kind")
        assert list(resources.values_list("kind", "path", "media_type")) == [
            ("description_file", "resources/description.md", "text/markdown"),
            ("icon", "resources/icon.svg", "image/svg+xml"),
            ("licence_file", "resources/license.txt", "text/plain"),
            ("release_notes", "resources/release-notes.md", "text/markdown"),
        ]
        assert bytes(resources.get(kind="icon").content) == ICON

    def test_mentions_the_resources_that_are_missing(self) -> None:
        files = {name: content for name, content in FILES.items() if "icon" not in name}
        result = imported(packed(described(), files))
        assert result.warnings == ("The icon ./resources/icon.svg is not in the package.",)
        assert result.version.warnings == list(result.warnings)

    def test_takes_a_resource_on_the_web_for_no_file(self) -> None:
        raw = described(("./resources/icon.svg", "https://example.com/icon.svg"))
        assert imported(packed(raw, FILES)).warnings == ()

    def test_of_the_same_again_changes_nothing(self) -> None:
        data = packed(described(), {})
        first, again = imported(data), imported(data)
        assert (first.created, again.created) == (True, False)
        assert again.version == first.version
        assert again.warnings == first.warnings
        assert ApplicationVersion.objects.count() == 1

    def test_of_the_description_alone_is_the_same_again(self) -> None:
        first = imported(packed(described(), FILES))
        again = imported(described())
        assert not again.created
        assert again.version == first.version
        assert Resource.objects.count() == len(FILES)

    @pytest.mark.parametrize(
        ("raw", "files"),
        [
            pytest.param(described() + b"# changed\n", FILES, id="another description"),
            pytest.param(
                described(), {**FILES, "resources/icon.svg": b"<svg></svg>"}, id="another icon"
            ),
        ],
    )
    def test_of_other_content_under_the_same_version_is_refused(
        self, raw: bytes, files: dict[str, bytes]
    ) -> None:
        imported(packed(described(), FILES))
        assert refusal(packed(raw, files)) == (
            "Mixer 1.10 is already here with other content; "
            "a changed package needs another metadata.version."
        )
        assert bytes(Resource.objects.get(kind="icon").content) == ICON

    def test_of_the_next_version_joins_the_same_application(self) -> None:
        imported(described())
        raw = described(("version: 1.10", "version: 1.11"), ("name: Mixer", "name: Mixer Pro"))
        assert imported(raw).created
        application = Application.objects.get()
        assert application.name == "Mixer Pro"
        assert application.versions.count() == 2

    def test_that_is_refused_leaves_nothing_and_names_the_file(self) -> None:
        sentence = refusal(described(("oci://", "http://"), ("  name: Mixer\n", "")))
        assert sentence == (
            "upload.tar.gz: Line 4, metadata.name: is missing (and 1 more problem)."
        )
        assert not Application.objects.exists()

    def test_that_is_refused_has_every_finding(self) -> None:
        with pytest.raises(ImportRefusedError) as refused:
            imported(described(("oci://", "http://"), ("  name: Mixer\n", "")))
        assert [finding.line for finding in refused.value.findings] == [4, 28]

    def test_of_a_broken_archive_is_refused(self) -> None:
        assert refusal(b"\x1f\x8b") == (
            "upload.tar.gz: The archive is damaged, or of a kind that is not known."
        )


@pytest.mark.django_db
def test_an_import_that_was_overtaken_finds_what_the_other_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def overtaken(_package: Package) -> None:
        monkeypatch.undo()
        assert imported(described()).created

    monkeypatch.setattr(importing, "_existing", overtaken)
    assert not imported(described()).created
    assert ApplicationVersion.objects.count() == 1


@pytest.mark.django_db
def test_an_import_that_was_overtaken_by_other_content_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def overtaken(_package: Package) -> None:
        monkeypatch.undo()
        imported(described() + b"# other\n")

    monkeypatch.setattr(importing, "_existing", overtaken)
    assert "already here with other content" in refusal(described())


@pytest.mark.django_db(transaction=True)
def test_imports_of_the_same_package_at_once_end_with_one_row() -> None:
    together = Barrier(4)

    def one() -> bool:
        try:
            together.wait()
            return imported(packed(described(), FILES)).created
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        created = [future.result() for future in [pool.submit(one) for _ in range(4)]]
    assert sorted(created) == [False, False, False, True]
    assert Resource.objects.count() == len(FILES)


@pytest.mark.django_db
class TestTheCommand:
    @pytest.fixture
    def package(self, tmp_path: Path) -> Path:
        folder = tmp_path / "mixer"
        (folder / "resources").mkdir(parents=True)
        for name, content in {"margo.yaml": described(), **FILES}.items():
            (folder / name).write_bytes(content)
        return folder

    def test_imports_a_directory_a_file_and_an_archive(self, package: Path) -> None:
        archive = package.parent / "mixer.tgz"
        archive.write_bytes(packed(described(), FILES))
        out = StringIO()
        call_command("import_application", package, package / "margo.yaml", archive, stdout=out)
        assert out.getvalue().splitlines() == [
            "Mixer 1.10 imported.",
            "Mixer 1.10 was already here.",
            "Mixer 1.10 was already here.",
        ]

    def test_says_one_sentence_per_refused_path_and_imports_the_others(self, package: Path) -> None:
        bad = package.parent / "bad.yaml"
        bad.write_bytes(b"apiVersions: v1\n")
        missing = package.parent / "missing.yaml"
        err = StringIO()
        with pytest.raises(SystemExit, match="1"):
            call_command("import_application", bad, missing, package, stderr=err, stdout=StringIO())
        first, second = err.getvalue().splitlines()
        assert first.startswith(f"{bad}: Line 1, ")
        assert second == f"{missing}: No such file or directory."
        assert ApplicationVersion.objects.count() == 1

    def test_opens_files_alone_since_a_pipe_would_keep_it_waiting(self) -> None:
        err = StringIO()
        with pytest.raises(SystemExit):
            call_command("import_application", Path("/dev/null"), stderr=err, stdout=StringIO())
        assert err.getvalue() == "/dev/null: it is neither a file nor a directory.\n"

    def test_prints_json_for_programs(self, package: Path) -> None:
        out = StringIO()
        call_command("import_application", package, json=True, stdout=out)
        assert json.loads(out.getvalue()) == {
            "path": str(package),
            "application": "com-example-mixer",
            "version": "1.10",
            "digest": f"sha256:{hashlib.sha256(described()).hexdigest()}",
            "created": True,
            "warnings": [],
        }
