"""The exact bytes that devices fetch: application deployments, bundles of them, state manifests.

Everything here is a pure function of its arguments and gives the same bytes every time, because a
digest over those bytes is what a device trusts (Margo: desired state, Exact Bytes Rule).
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence

from deployments.yaml_text import yaml_text

Json = Mapping[str, object]

BUNDLE_MEDIA_TYPE = "application/vnd.margo.bundle.v1+tar+gzip"

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
EXTENSION = re.compile(r"x-[a-z][a-z0-9-]*-extensions")
PROPERTIES = ("repository", "revision", "wait", "timeout")
NAME_LIMIT = 63


def application_deployment(
    *,
    uid: str,
    name: str,
    namespace: str,
    device_path: str,
    application_id: str,
    profile: Json,
    parameters: Mapping[str, Json],
    labels: Mapping[str, str] | None = None,
    attempt: int = 0,
) -> bytes:
    """One workload for one device as the YAML document it fetches (Margo: desired state).

    `profile` is the package's chosen profile; its extensions and those of its components go with it
    unchanged. `parameters` holds values and targets by name; `labels` tell people at the device
    what it is. Rc.3 has neither `apiVersion` nor `kind`. An `attempt` above 0 adds a vendor
    extension that devices must ignore: a retry has to change the digest, or a device that failed
    would not look at the same content again. Raises ValueError for values that no YAML document
    can hold.
    """
    spec: dict[str, object] = {
        "applicationId": application_id,
        "deploymentProfile": _profile(profile),
        "parameters": {name: _parameter(parameters[name]) for name in sorted(parameters)},
    }
    if attempt > 0:
        spec["x-lineside-extensions"] = {"attempt": attempt}
    metadata: dict[str, object] = {
        "name": name,
        "namespace": namespace,
        "deviceId": device_path,
    }
    if labels:
        metadata["labels"] = dict(sorted(labels.items()))
    return yaml_text({"id": uid, "metadata": metadata, "spec": spec}).encode()


def digest(data: bytes) -> str:
    """The name of these exact bytes: "sha256:" and 64 lower-case hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def is_digest(text: str) -> bool:
    """Whether the text has a digest's exact form; nothing around it, no upper case."""
    return DIGEST.fullmatch(text) is not None


def bundle(documents: Mapping[str, bytes]) -> bytes:
    """All documents of one client, by deployment id, as the archive that spares it single fetches.

    The archive holds `<deploymentId>.yaml` at its root and nothing else. Raises ValueError when
    there is no document: an empty archive must never be served (Margo: desired state).
    """
    if not documents:
        raise ValueError("A bundle needs at least one document.")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for uid, document in sorted(documents.items()):
            entry = tarfile.TarInfo(f"{uid}.yaml")
            entry.size = len(document)
            tar.addfile(entry, io.BytesIO(document))
    return _gzipped(archive.getvalue())


def manifest(
    version: int,
    documents: Sequence[tuple[str, str, int]],
    bundle: tuple[str, int] | None,
) -> bytes:
    """A client's state manifest as compact JSON.

    `documents` are (deployment id, digest, size in bytes) of everything the client shall run, and
    `bundle` is digest and size of the archive with the same documents. Raises ValueError when only
    one of the two is there: no deployments and no bundle belong together (Margo: desired state).
    """
    if bool(documents) != (bundle is not None):
        raise ValueError("A manifest has a bundle exactly when it has deployments.")
    content = {
        "manifestVersion": version,
        "bundle": _bundle_reference(*bundle) if bundle else None,
        "deployments": [_deployment_reference(*document) for document in sorted(documents)],
    }
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def namespace_for(application_id: str) -> str:
    """A Kubernetes namespace for the application: an RFC 1123 label made from its id.

    One that had to be changed to become a label carries a short digest of the id, so that two
    applications never share a namespace by accident. Kubernetes' own namespaces are out of reach.
    """
    if application_id == "default" or application_id.startswith("kube-"):
        return f"app-{_mark(application_id)}"
    return _label(application_id)


def deployment_name(application_id: str, device_path: str) -> str:
    """A name for the application on one device that Kubernetes and Compose both accept."""
    return _label(f"{application_id}-{device_path}")


def _gzipped(data: bytes) -> bytes:
    """Without a name or time, and with one header whatever the platform, unlike gzip.compress."""
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(data)
    return packed.getvalue()


def _profile(profile: Json) -> dict[str, object]:
    content: dict[str, object] = {
        "type": profile.get("type"),
        "components": [_component(component) for component in _mappings(profile.get("components"))],
    }
    if profile.get("deviceConstraints"):
        content["deviceConstraints"] = _sorted(profile["deviceConstraints"])
    return content | _extensions(profile)


def _component(component: Json) -> dict[str, object]:
    content: dict[str, object] = {
        "name": component.get("name"),
        "properties": _properties(component.get("properties")),
    }
    return content | _extensions(component)


def _properties(properties: object) -> dict[str, object]:
    """The known ones first, in the standard's order; a database may have lost the package's."""
    given = _sorted(properties)
    if not isinstance(given, dict):
        return {}
    return {name: given[name] for name in PROPERTIES if name in given} | given


def _parameter(parameter: Json) -> dict[str, object]:
    targets = [
        {"pointer": target.get("pointer"), "components": target.get("components")}
        for target in _mappings(parameter.get("targets"))
    ]
    return {"value": _sorted(parameter.get("value")), "targets": targets}


def _extensions(holder: Json) -> dict[str, object]:
    """Extensions under their full names; anything else would break the document's schema."""
    extensions = _sorted(holder.get("extensions"))
    if not isinstance(extensions, dict):
        return {}
    return {name: value for name, value in extensions.items() if EXTENSION.fullmatch(name)}


def _sorted(value: object) -> object:
    """The value with all mappings sorted by key, since not every database keeps their order."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(item) for item in value]
    return value


def _mappings(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _bundle_reference(digest: str, size: int) -> dict[str, object]:
    return {
        "mediaType": BUNDLE_MEDIA_TYPE,
        "digest": digest,
        "sizeBytes": size,
        "url": f"/api/v1/bundles/{digest}",
    }


def _deployment_reference(uid: str, digest: str, size: int) -> dict[str, object]:
    return {
        "deploymentId": uid,
        "digest": digest,
        "sizeBytes": size,
        "url": f"/api/v1/deployments/{uid}/{digest}",
    }


def _label(text: str) -> str:
    wanted = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if wanted == text and len(text) <= NAME_LIMIT:
        return text
    mark = _mark(text)
    shortened = wanted[: NAME_LIMIT - len(mark) - 1].strip("-")
    return f"{shortened}-{mark}" if shortened else f"app-{mark}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
