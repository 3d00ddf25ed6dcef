"""What a client checks before it believes a state manifest, a bundle or a deployment."""

import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

MANIFEST_TYPE = "application/vnd.margo.manifest.v1+json"
BUNDLE_TYPE = "application/vnd.margo.bundle.v1+tar+gzip"
DOCUMENT_TYPE = "application/yaml"

GREATEST_VERSION = 2**64 - 1
GREATEST_BUNDLE_BYTES = 64 * 1024 * 1024

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION_LABELS = ("applicationVersion", "application-version", "version")


class ContentRefusedError(Exception):
    """Something from the server does not hold what the standard promises; the text says what."""


@dataclass(frozen=True)
class Manifest:
    """A verified state manifest: which deployments, each with the digest of its content."""

    version: int
    etag: str
    bundle_digest: str | None
    deployments: Mapping[str, str]


@dataclass(frozen=True)
class Component:
    """One component of a deployment and the revision it is to have."""

    name: str
    revision: str


@dataclass(frozen=True)
class Work:
    """What one deployment asks of one device, as far as a simulated device cares."""

    deployment_id: str
    device_id: str
    application_id: str
    application_version: str
    components: tuple[Component, ...] = field(default_factory=tuple)


def digest_of(body: bytes) -> str:
    """The digest of exact bytes in the standard's spelling, `sha256:` and 64 hex digits."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def read_manifest(
    body: bytes, *, content_type: str | None, etag: str | None, stored_version: int
) -> Manifest:
    """The manifest in `body`, once it has proved itself (Margo: desired state).

    Raises ContentRefusedError for a wrong media type, an ETag that is not the quoted digest of
    the body, a version that is not greater than `stored_version`, or a malformed body.
    """
    _check_type(content_type, MANIFEST_TYPE)
    _check_etag(etag, digest_of(body))
    whole = _json_object(body)
    version = _newer_version(whole.get("manifestVersion"), stored_version)
    deployments = _references(whole.get("deployments"))
    return Manifest(version, etag or "", _bundle_digest(whole, deployments), deployments)


def check_content(
    body: bytes, digest: str, *, content_type: str | None, etag: str | None, expected_type: str
) -> None:
    """Refuse content that is not exactly what `digest` names, or is not labelled as it must be.

    Raises ContentRefusedError (Margo: desired state, content-addressed resources).
    """
    if digest_of(body) != digest:
        raise ContentRefusedError(f"The content of {digest} has the digest {digest_of(body)}.")
    _check_etag(etag, digest)
    _check_type(content_type, expected_type)


def unpack_bundle(body: bytes, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """The documents in a bundle by deployment id; `wanted` maps each id to its digest.

    Raises ContentRefusedError unless the archive's root holds exactly one file per wanted
    deployment, each with the wanted digest, and nothing else (Margo: desired state).
    """
    files = _files_at_the_root(_gunzip(body))
    by_digest = {digest_of(content): content for content in files.values()}
    if len(files) != len(wanted) or set(by_digest) != set(wanted.values()):
        raise ContentRefusedError("The bundle does not hold exactly the manifest's deployments.")
    return {deployment_id: by_digest[digest] for deployment_id, digest in wanted.items()}


def read_document(body: bytes, deployment_id: str) -> Work:
    """What a deployment's YAML document asks for.

    Raises ContentRefusedError if it is malformed or if its `id` is not `deployment_id`.
    """
    try:
        document = yaml.load(body, Loader=yaml.CSafeLoader)
        work = _work(document)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ContentRefusedError(f"Deployment {deployment_id} is malformed: {error}.") from error
    if work.deployment_id != deployment_id:
        raise ContentRefusedError(f"Deployment {deployment_id} says its id is {document['id']}.")
    return work


def _work(document: dict[str, dict[str, dict[str, list[dict[str, dict[str, str]]]]]]) -> Work:
    metadata, spec = document["metadata"], document["spec"]
    components = spec["deploymentProfile"]["components"]
    if not components:
        raise ValueError("it has no components")
    return Work(
        deployment_id=str(document["id"]),
        device_id=str(metadata["deviceId"]),
        application_id=str(spec["applicationId"]),
        application_version=_application_version(metadata.get("labels") or {}),
        components=tuple(
            Component(str(each["name"]), str(each["properties"].get("revision", "")))
            for each in components
        ),
    )


def _application_version(labels: Mapping[str, object]) -> str:
    # A deployment document has no member for the application's version; labels may tell it.
    return next((str(labels[key]) for key in _VERSION_LABELS if key in labels), "")


def _json_object(body: bytes) -> dict[str, object]:
    try:
        whole = json.loads(body)
    except ValueError as error:
        raise ContentRefusedError("The manifest is not JSON.") from error
    if not isinstance(whole, dict):
        raise ContentRefusedError("The manifest is not a JSON object.")
    return whole


def _newer_version(version: object, stored_version: int) -> int:
    if not isinstance(version, int) or isinstance(version, bool):
        raise ContentRefusedError(f"The manifest version {version!r} is not an integer.")
    if not 1 <= version <= GREATEST_VERSION:
        raise ContentRefusedError(f"The manifest version {version} is out of range.")
    if version <= stored_version:
        raise ContentRefusedError(
            f"The manifest version {version} is not greater than {stored_version}."
        )
    return version


def _references(listed: object) -> dict[str, str]:
    if not isinstance(listed, list):
        raise ContentRefusedError("The manifest has no list of deployments.")
    found: dict[str, str] = {}
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("deploymentId"), str):
            raise ContentRefusedError("A deployment of the manifest has no id.")
        if each["deploymentId"] in found:
            raise ContentRefusedError(f"The manifest lists {each['deploymentId']} twice.")
        found[each["deploymentId"]] = _digest(each.get("digest"))
    return found


def _bundle_digest(whole: Mapping[str, object], deployments: Mapping[str, str]) -> str | None:
    if "bundle" not in whole:
        raise ContentRefusedError("The manifest has no bundle member.")
    bundle = whole["bundle"]
    if (bundle is None) != (not deployments):
        raise ContentRefusedError("The bundle must be null when nothing is deployed, only then.")
    if bundle is None:
        return None
    if not isinstance(bundle, dict) or bundle.get("mediaType") != BUNDLE_TYPE:
        raise ContentRefusedError("The bundle of the manifest has no proper media type.")
    return _digest(bundle.get("digest"))


def _digest(text: object) -> str:
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        raise ContentRefusedError(f"{text!r} is no digest.")
    return text


def _check_type(content_type: str | None, expected: str) -> None:
    if content_type != expected:
        raise ContentRefusedError(f"The content type is {content_type!r}, not {expected!r}.")


def _check_etag(etag: str | None, digest: str) -> None:
    if etag != f'"{digest}"':
        raise ContentRefusedError(f"The ETag is {etag}, but the content is {digest}.")


def _gunzip(body: bytes) -> bytes:
    unzipper = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = unzipper.decompress(body, GREATEST_BUNDLE_BYTES)
    except zlib.error as error:
        raise ContentRefusedError("The bundle is not a gzip file.") from error
    if not unzipper.eof:
        raise ContentRefusedError("The bundle is cut off or far too large.")
    if unzipper.unused_data:
        raise ContentRefusedError("Bytes trail after the bundle.")
    return content


def _files_at_the_root(content: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.isreg() else None
                if opened is None or "/" in member.name or member.name in files:
                    raise ContentRefusedError(f"The bundle holds {member.name!r}, no plain file.")
                files[member.name] = opened.read()
    except tarfile.TarError as error:
        raise ContentRefusedError("The bundle is not a tar archive.") from error
    return files
