"""The simulation's own reading of published bytes, so that it checks the product and not itself."""

import gzip
import hashlib
import io
import json
import re
import tarfile
from dataclasses import dataclass


class UnreadableError(AssertionError):
    """Published bytes are not what they say they are."""


@dataclass(frozen=True)
class Entry:
    """A manifest's line about one deployment."""

    uid: str
    digest: str
    size: int


@dataclass(frozen=True)
class ReadManifest:
    """What a client takes from a manifest."""

    version: int
    entries: dict[str, Entry]
    bundle: str


@dataclass(frozen=True)
class Document:
    """What a device takes from an application deployment."""

    uid: str
    device: str
    application: str
    revision: str
    speed: str
    attempt: int

    @property
    def essence(self) -> tuple[str, str, str]:
        """What runs, whatever the try."""
        return (self.application, self.revision, self.speed)


def digest_of(data: bytes) -> str:
    """The name of these bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read_manifest(body: bytes) -> ReadManifest:
    """A manifest's version, entries and bundle."""
    told = json.loads(body)
    entries = {
        one["deploymentId"]: Entry(one["deploymentId"], one["digest"], one["sizeBytes"])
        for one in told["deployments"]
    }
    bundle = told["bundle"]
    if bool(entries) != bool(bundle):
        raise UnreadableError("A manifest has a bundle exactly when it has deployments.")
    return ReadManifest(told["manifestVersion"], entries, bundle["digest"] if bundle else "")


def read_document(data: bytes, entry: Entry) -> Document:
    """A document, after its digest and size were compared with its entry."""
    if digest_of(data) != entry.digest or len(data) != entry.size:
        raise UnreadableError(f"The document of {entry.uid} is not the one of the manifest.")
    text = data.decode()
    revisions = set(re.findall(r'^          revision: "(.*)"$', text, re.M))
    attempt = re.search(r"^\s+attempt: (\d+)$", text, re.M)
    if len(revisions) != 1:
        raise UnreadableError(f"The components of {entry.uid} are of several versions.")
    document = Document(
        uid=_one(r'^id: "(.*)"$', text),
        device=_one(r'^  deviceId: "(.*)"$', text),
        application=_one(r'^  applicationId: "(.*)"$', text),
        revision=revisions.pop(),
        speed=_one(r"^      value: (\d+)$", text),
        attempt=int(attempt[1]) if attempt else 0,
    )
    if document.uid != entry.uid:
        raise UnreadableError(f"{entry.uid} has the document of {document.uid}.")
    return document


def unpack(archive: bytes, digest: str) -> dict[str, bytes]:
    """A bundle's documents by deployment id."""
    if digest_of(archive) != digest:
        raise UnreadableError("The bundle is not the one of the manifest.")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
        return {name.removesuffix(".yaml"): tar.extractfile(name).read() for name in tar.getnames()}


def _one(pattern: str, text: str) -> str:
    found = re.findall(pattern, text, re.M)
    if len(found) != 1:
        raise UnreadableError(f"{pattern} is there {len(found)} times.")
    return found[0]
