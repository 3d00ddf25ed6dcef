"""Devices fetch what they shall run: manifest, documents, bundles (Margo: desired state)."""

from deployments import publishing
from deployments.conditional import accepts, etag_matches
from deployments.document import BUNDLE_MEDIA_TYPE
from devices.southbound.http import Answer, Request
from devices.southbound.problems import Kind, ProblemError
from devices.southbound.routing import Route

MANIFEST = "application/vnd.margo.manifest.v1+json"
DOCUMENT = "application/yaml"
#: Content that is named by its digest never changes; a manifest does.
FOR_EVER = "private, max-age=31536000, immutable"
FOR_NOW = "private"


def manifest(request: Request) -> Answer:
    """GET /api/v1/deployments: the client's state manifest, or 304 when it has it already."""
    if not accepts(request.headers.get("accept"), MANIFEST):
        raise ProblemError(Kind.NOT_ACCEPTABLE, f"Only {MANIFEST} can be served here.")
    client, held = request.client, request.headers.get("if-none-match")
    if publishing.is_current(client) and etag_matches(held, client.manifest_digest):
        return _unchanged(request, client.manifest_version, client.manifest_digest)
    try:
        published = publishing.manifest_for(client, now=request.now)
    except publishing.PublishingError as busy:
        raise ProblemError(503, str(busy)) from busy
    if etag_matches(held, published.digest):
        return _unchanged(request, published.version, published.digest)
    if request.method == "GET":
        publishing.prove(client, published.version, now=request.now)
    return _content(published.body, MANIFEST, published.digest, FOR_NOW)


def document(request: Request) -> Answer:
    """GET /api/v1/deployments/{deploymentId}/{digest}: one ApplicationDeployment, exact bytes."""
    uid, digest = request.params["deploymentId"], request.params["digest"]
    body = publishing.document_for(request.client, uid, digest, now=request.now)
    if body is None:
        raise ProblemError(
            Kind.DEPLOYMENT_NOT_FOUND, "There is no deployment with this id and digest."
        )
    return _named_content(request, body, DOCUMENT, digest)


def bundle(request: Request) -> Answer:
    """GET /api/v1/bundles/{digest}: all documents of a manifest as one archive."""
    digest = request.params["digest"]
    body = publishing.bundle_for(request.client, digest, now=request.now)
    if body is None:
        raise ProblemError(Kind.INVALID_BUNDLE, "There is no bundle with this digest.")
    return _named_content(request, body, BUNDLE_MEDIA_TYPE, digest)


def _unchanged(request: Request, version: int, digest: str) -> Answer:
    # "*" matches whatever there is, so it proves nothing about what the client holds.
    if request.headers["if-none-match"].strip() != "*":
        publishing.prove(request.client, version, now=request.now)
    return _not_modified(digest, FOR_NOW)


def _named_content(request: Request, body: bytes, media_type: str, digest: str) -> Answer:
    if etag_matches(request.headers.get("if-none-match"), digest):
        return _not_modified(digest, FOR_EVER)
    return _content(body, media_type, digest, FOR_EVER)


def _content(body: bytes, media_type: str, digest: str, caching: str) -> Answer:
    return Answer(200, body, {"Content-Type": media_type, **_headers(digest, caching)})


def _not_modified(digest: str, caching: str) -> Answer:
    return Answer(304, b"", _headers(digest, caching))


def _headers(digest: str, caching: str) -> dict[str, str]:
    return {"ETag": f'"{digest}"', "Cache-Control": caching}


ROUTES = [
    Route("GET", "/api/v1/deployments", manifest),
    Route("GET", "/api/v1/deployments/{deploymentId}/{digest}", document),
    Route("GET", "/api/v1/bundles/{digest}", bundle),
]
