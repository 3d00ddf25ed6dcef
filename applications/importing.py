"""Imports a package into the catalogue: the one verb behind the upload page and the command."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from django.db import IntegrityError, transaction

from accounts.models import User
from applications.archive import ArchiveError, Upload, read_directory, unpack
from applications.models import Application, ApplicationVersion, Resource
from applications.package import Catalog, Finding, Package, PackageError, parse

MEDIA_TYPES: Mapping[str, str] = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webp": "image/webp",
}
UNKNOWN_MEDIA_TYPE = "application/octet-stream"

# The kinds of resources, which are also the names of their paths in `ApplicationVersion.catalog`.
KINDS: Mapping[str, str] = {
    "icon": "icon",
    "description_file": "description file",
    "licence_file": "licence file",
    "release_notes": "release notes",
}


class ImportRefusedError(Exception):
    """The package stays outside; `str()` says why in one sentence.

    `findings` has every error of a description that could be read, for pages with room for them.
    """

    def __init__(self, sentence: str, findings: tuple[Finding, ...] = ()) -> None:
        self.findings = findings
        super().__init__(sentence)


@dataclass(frozen=True)
class ImportResult:
    """The version that is in the catalogue now; `created` is False when it was there already."""

    version: ApplicationVersion
    created: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A resource of the package as it will be stored."""

    kind: str
    path: str
    content: bytes


def import_package(
    data: bytes, filename: str, *, actor: User | None, now: datetime
) -> ImportResult:
    """Imports an uploaded `margo.yaml`, .tar.gz or .zip, in one transaction.

    The same bytes again change nothing. `filename` is only there to be named in a refusal. Raises
    ImportRefusedError for what cannot be opened or read, and for other content under a version
    that is here already.
    """
    with _refusals_of(filename):
        return _import(unpack(data), actor=actor, now=now)


def import_directory(directory: Path, *, actor: User | None, now: datetime) -> ImportResult:
    """Imports a package that lies unpacked in a directory, as `import_package` does."""
    with _refusals_of(str(directory)):
        return _import(read_directory(directory), actor=actor, now=now)


@contextmanager
def _refusals_of(name: str) -> Iterator[None]:
    """Turns what is wrong with an upload into a refusal that names it."""
    try:
        yield
    except ArchiveError as error:
        raise ImportRefusedError(f"{name}: {error}") from error
    except PackageError as error:
        raise ImportRefusedError(f"{name}: {error}", error.findings) from error


def _import(upload: Upload, *, actor: User | None, now: datetime) -> ImportResult:
    package = parse(upload.raw)
    files = tuple(_referred(package.catalog, upload.files))
    warnings = (
        *(str(warning) for warning in package.warnings),
        *_missing(package.catalog, {one.kind for one in files}),
    )
    version = _existing(package)
    if version is None:
        version = _create(package, upload.raw, files, warnings, actor, now)
        if version is not None:
            return ImportResult(version, created=True, warnings=warnings)
        # Another import of the same package was faster: go by what it left.
        version = ApplicationVersion.objects.get(**_key(package))
    _refuse_other_content(version, upload.raw, files)
    return ImportResult(version, created=False, warnings=tuple(version.warnings))


def _key(package: Package) -> dict[str, str]:
    return {"application__app_id": package.app_id, "version": package.version}


def _existing(package: Package) -> ApplicationVersion | None:
    versions = ApplicationVersion.objects.select_related("application")
    return versions.filter(**_key(package)).first()


def _create(
    package: Package,
    raw: bytes,
    files: tuple[File, ...],
    warnings: tuple[str, ...],
    actor: User | None,
    now: datetime,
) -> ApplicationVersion | None:
    """The new version with its resources; None when another import of it came first."""
    try:
        with transaction.atomic():
            application = _application(package, now)
            version = _new_version(application, package, raw, warnings, actor, now)
            _store(version, files)
            return version
    except IntegrityError:
        return None


def _application(package: Package, now: datetime) -> Application:
    """The catalogue entry, under the name that the newest import gives it."""
    application, created = Application.objects.get_or_create(
        app_id=package.app_id, defaults={"name": package.name, "created_at": now}
    )
    if not created and application.name != package.name:
        application.name = package.name
        application.save(update_fields=["name"])
    return application


def _new_version(
    application: Application,
    package: Package,
    raw: bytes,
    warnings: tuple[str, ...],
    actor: User | None,
    now: datetime,
) -> ApplicationVersion:
    data = package.as_data()
    return ApplicationVersion.objects.create(
        application=application,
        version=package.version,
        raw=raw,
        digest=f"sha256:{hashlib.sha256(raw).hexdigest()}",
        api_version=package.api_version,
        description=package.description,
        catalog=data["catalog"],
        profiles=data["profiles"],
        parameters=data["parameters"],
        sections=data["sections"],
        schemas=data["schemas"],
        extensions=data["extensions"],
        warnings=list(warnings),
        imported_at=now,
        imported_by=actor,
    )


def _store(version: ApplicationVersion, files: tuple[File, ...]) -> None:
    Resource.objects.bulk_create(
        Resource(
            version=version,
            kind=one.kind,
            path=one.path,
            media_type=_media_type(one.path),
            content=one.content,
        )
        for one in files
    )


def _media_type(path: str) -> str:
    # A fixed table: the machine's own would make the same package differ from host to host.
    return MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), UNKNOWN_MEDIA_TYPE)


def _refuse_other_content(version: ApplicationVersion, raw: bytes, files: tuple[File, ...]) -> None:
    """Raises ImportRefusedError unless what is imported is what is stored.

    Resources may be left out, so that a description alone can be imported again.
    """
    stored = {one.kind: bytes(one.content) for one in version.resources.all()}
    same_files = all(stored.get(one.kind) == one.content for one in files)
    if bytes(version.raw) != raw or not same_files:
        raise ImportRefusedError(
            f"{version} is already here with other content; a changed package needs another "
            "metadata.version."
        )


def _paths(catalog: Catalog) -> dict[str, str]:
    """The paths of the resources by kind, without those that are web addresses."""
    paths = {kind: str(getattr(catalog, kind)) for kind in KINDS}
    return {kind: path for kind, path in paths.items() if path and "://" not in path}


def _referred(catalog: Catalog, files: Mapping[str, bytes]) -> Iterator[File]:
    """The files that the description refers to; nothing else of an archive is kept."""
    for kind, path in _paths(catalog).items():
        inside = str(PurePosixPath(path))
        if inside in files:
            yield File(kind, inside, files[inside])


def _missing(catalog: Catalog, found: set[str]) -> Iterator[str]:
    for kind, path in _paths(catalog).items():
        if kind not in found:
            yield f"The {KINDS[kind]} {path} is not in the package."
