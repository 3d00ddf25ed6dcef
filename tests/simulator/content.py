"""Deployments, bundles and manifests as an honest fleet manager publishes them."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping

MANIFEST_TYPE = "application/vnd.margo.manifest.v1+json"
BUNDLE_TYPE = "application/vnd.margo.bundle.v1+tar+gzip"

FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"


def sha256(body: bytes) -> str:
    """The digest of a body as Margo writes it."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def document(
    deployment_id: str, device: str, revision: str = "1.0.0", components: int = 1, version: str = ""
) -> bytes:
    """An application deployment with so many components of one revision."""
    labels = {"applicationVersion": version} if version else {}
    parts = [
        {
            "name": f"part-{number}",
            "properties": {"repository": "oci://registry.example/part", "revision": revision},
        }
        for number in range(1, components + 1)
    ]
    return json.dumps(
        {
            "id": deployment_id,
            "metadata": {"name": "x", "namespace": "x", "deviceId": device, "labels": labels},
            "spec": {
                "applicationId": "gauge",
                "deploymentProfile": {"type": "compose", "components": parts},
                "parameters": {},
            },
        }
    ).encode()


def bundle(files: Mapping[str, bytes]) -> bytes:
    """A gzipped tar of these files, the same bytes for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def bundle_of(documents: Mapping[str, bytes]) -> bytes:
    """The bundle of documents by deployment id."""
    return bundle({f"{each}.yaml": body for each, body in documents.items()})


def manifest(version: int, documents: Mapping[str, bytes]) -> bytes:
    """The state manifest of these documents."""
    digest = sha256(bundle_of(documents))
    listed = [
        {
            "deploymentId": each,
            "digest": sha256(body),
            "sizeBytes": len(body),
            "url": f"/api/v1/deployments/{each}/{sha256(body)}",
        }
        for each, body in documents.items()
    ]
    whole = {"mediaType": BUNDLE_TYPE, "digest": digest, "url": f"/api/v1/bundles/{digest}"}
    return json.dumps(
        {
            "manifestVersion": version,
            "bundle": whole if documents else None,
            "deployments": listed,
        }
    ).encode()
