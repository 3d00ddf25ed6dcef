"""The outside of a description: its format, its id, and what a catalogue shows of it."""

import re
from dataclasses import dataclass

from applications.package.description import Catalog
from applications.package.fields import Fields, rule

TODAY = "v1"
OLDER = "margo.org/v1-alpha1"
OLDER_KIND = "ApplicationDescription"

APP_ID = re.compile(r"[a-z0-9-]{1,200}")
APP_ID_SENTENCE = "must be 1 to 200 lower-case letters, digits and dashes."
TAG = rule(
    r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}",
    "must be at most 128 letters, digits, dots, dashes and underscores, as it is also a tag.",
)
# The specification's own pattern, `.*@[a-z0-9.-]*`, with an address around it.
EMAIL = re.compile(r"[^@\s]+@[A-Za-z0-9.-]+")
WEB_ADDRESS = re.compile(r"https?://\S+")
LONGEST_NAME = 200
LONGEST_PATH = 500


@dataclass(frozen=True)
class Metadata:
    """Who the application is and what a catalogue shows."""

    app_id: str
    name: str
    version: str
    description: str
    catalog: Catalog


def read_api_version(root: Fields) -> str:
    """The format of the file; from here on an older one is read leniently."""
    written = root.text("apiVersion", required=True)
    if written == OLDER:
        root.findings.lenient = True
        _check_kind(root)
    elif written and written != TODAY:
        root.error("apiVersion", f'must be "{TODAY}" (or "{OLDER}" in an older package).')
    return written


def _check_kind(root: Fields) -> None:
    kind = root.text("kind")
    if kind != OLDER_KIND:
        root.warn("kind", f'should be "{OLDER_KIND}" in a {OLDER} package.')


def read_metadata(root: Fields) -> Metadata:
    metadata = root.map("metadata", required=True)
    if metadata is None:
        return Metadata(_read_id(root, None), "", "", "", Catalog())
    read = Metadata(
        app_id=_read_id(root, metadata),
        name=metadata.text("name", required=True, longest=LONGEST_NAME),
        version=_read_version(metadata),
        description=metadata.text("description"),
        catalog=_read_catalog(metadata),
    )
    metadata.unknown()
    return read


def _read_id(root: Fields, metadata: Fields | None) -> str:
    """The id at the top, or in the metadata as older packages have it; both must agree."""
    top = root.text("id")
    inner = metadata.text("id") if metadata else ""
    if metadata and inner and not top:
        if not root.findings.lenient:
            metadata.warn("id", "belongs at the top of the file; it is read from here.")
        return _normal_id(metadata, inner)
    if metadata and inner and inner != top:
        metadata.error("id", "differs from the id at the top of the file.")
    if not top:
        root.require("id")
        return ""
    return _normal_id(root, top)


def _normal_id(where: Fields, written: str) -> str:
    """The id by today's rules; the dots of an older one become dashes."""
    app_id = written.replace(".", "-") if where.findings.lenient else written
    if not APP_ID.fullmatch(app_id):
        where.error("id", APP_ID_SENTENCE)
    elif app_id != written:
        where.warn("id", f"has dots, which ids no longer may; the application is {app_id} here.")
    return app_id


def _read_version(metadata: Fields) -> str:
    version = metadata.text("version", required=True, longest=128)
    if version and not TAG.holds(version):
        metadata.breach("version", TAG.sentence)
    return version


def _read_catalog(metadata: Fields) -> Catalog:
    if not metadata.has("catalog"):
        metadata.breach("catalog", "is missing.")
    catalog = metadata.map("catalog")
    if catalog is None:
        return Catalog()
    if not catalog.has("organization"):
        catalog.breach("organization", "is missing.")
    organizations = tuple(_read_organization(one) for one in catalog.maps("organization"))
    authors = tuple(_read_author(one) for one in catalog.maps("author"))
    application = catalog.map("application")
    catalog.unknown()
    if application is None:
        return Catalog(organizations=organizations, authors=authors)
    return _read_application(application, organizations, authors)


def _read_application(
    application: Fields,
    organizations: tuple[dict[str, str], ...],
    authors: tuple[dict[str, str], ...],
) -> Catalog:
    read = Catalog(
        tagline=application.text("tagline"),
        icon=application.text("icon", longest=LONGEST_PATH),
        description_file=application.text("descriptionFile", longest=LONGEST_PATH),
        licence_file=application.text("licenseFile", longest=LONGEST_PATH),
        release_notes=application.text("releaseNotes", longest=LONGEST_PATH),
        site=_read_site(application),
        tags=tuple(application.texts("tags")),
        authors=authors,
        organizations=organizations,
    )
    application.unknown()
    return read


def _read_organization(organization: Fields) -> dict[str, str]:
    name = organization.text("name", required=not organization.findings.lenient)
    read = {"name": name, "site": _read_site(organization)}
    organization.unknown()
    return read


def _read_author(author: Fields) -> dict[str, str]:
    email = author.text("email")
    if email and not EMAIL.fullmatch(email):
        author.warn("email", "does not look like an e-mail address.")
    read = {"name": author.text("name"), "email": email}
    author.unknown()
    return read


def _read_site(where: Fields) -> str:
    site = where.text("site")
    if site and not WEB_ADDRESS.fullmatch(site):
        where.warn("site", "does not look like a web address.")
    return site
