"""Fetching the content that a manifest names, as one bundle or document by document."""

from collections.abc import Awaitable, Collection, Mapping
from typing import Protocol

from devices.simulator.desired import (
    BUNDLE_TYPE,
    DOCUMENT_TYPE,
    ContentRefusedError,
    Manifest,
    Work,
    check_content,
    read_document,
    unpack_bundle,
)
from devices.simulator.wire import Answer


class Ask(Protocol):
    """Sends a request and answers with whatever the server said."""

    def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Awaitable[Answer]: ...


def takes_bundle(fetch: str, threshold: int, changes: int) -> bool:
    """Whether so many changes are fetched as a bundle; `fetch` is auto, bundle or documents."""
    return fetch == "bundle" or (fetch == "auto" and changes > threshold)


async def fetch_bundle(ask: Ask, manifest: Manifest, changed: Collection[str]) -> list[Work]:
    """The changed works out of the manifest's bundle, all of which is verified.

    Raises ContentRefusedError, and whatever `ask` raises.
    """
    digest = manifest.bundle_digest or ""
    body = await _content(ask, f"/api/v1/bundles/{digest}", digest, BUNDLE_TYPE)
    documents = unpack_bundle(body, manifest.deployments)
    works = [read_document(documents[each], each) for each in manifest.deployments]
    return [work for work in works if work.deployment_id in changed]


async def fetch_documents(ask: Ask, manifest: Manifest, changed: Collection[str]) -> list[Work]:
    """The changed works, each fetched and verified by itself.

    Raises ContentRefusedError, and whatever `ask` raises.
    """
    works = []
    for deployment_id in changed:
        digest = manifest.deployments[deployment_id]
        path = f"/api/v1/deployments/{deployment_id}/{digest}"
        body = await _content(ask, path, digest, DOCUMENT_TYPE)
        works.append(read_document(body, deployment_id))
    return works


async def _content(ask: Ask, path: str, digest: str, expected_type: str) -> bytes:
    answer = await ask("GET", path, {"Accept": expected_type})
    if answer.status != 200:
        raise ContentRefusedError(f"The content of {digest} was answered {answer.status}.")
    check_content(
        answer.body,
        digest,
        content_type=answer.headers.get("content-type"),
        etag=answer.headers.get("etag"),
        expected_type=expected_type,
    )
    return answer.body
