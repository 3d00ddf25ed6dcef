"""The trust bundle: a JWK Set that names the anchors of the trust domain."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devices.identity import files
from devices.identity.errors import IdentityError

_USE = "x509-svid"
_REFRESH_HINT_SECONDS = 300
_MAX_BYTES = 4 * 1024 * 1024


def parse(content: bytes) -> list[x509.Certificate]:
    """Return the X.509 anchors of a SPIFFE bundle, and nothing else that is in it.

    Raises `IdentityError` when there is no anchor, so that whoever holds an older bundle keeps it.
    Keys for other uses and unknown members are ignored (Margo: Trust Bundle and discovery).
    """
    anchors = [_anchor(key) for key in _keys(content) if key.get("use") == _USE]
    if not anchors:
        raise IdentityError("The trust bundle names no X.509 anchor.")
    return anchors


def read(path: Path) -> list[x509.Certificate]:
    """Return the anchors of the bundle at `path`; raise `IdentityError` naming the file."""
    try:
        return parse(files.read(path))
    except IdentityError as refusal:
        if str(path) in str(refusal):
            raise
        raise IdentityError(f"{path} cannot be used: {refusal}") from refusal


def spell(anchors: Iterable[x509.Certificate], *, sequence: int = 1) -> bytes:
    """Write the anchors as a SPIFFE bundle."""
    document = {
        "keys": [_key(anchor) for anchor in anchors],
        "spiffe_sequence": sequence,
        "spiffe_refresh_hint": _REFRESH_HINT_SECONDS,
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def pem(anchors: Iterable[x509.Certificate]) -> bytes:
    """Write the anchors as PEM, for programs that read no SPIFFE bundles."""
    return b"".join(files.pem(anchor) for anchor in anchors)


def _keys(content: bytes) -> list[dict[str, object]]:
    if len(content) > _MAX_BYTES:
        raise IdentityError("The trust bundle is too large.")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise IdentityError("The trust bundle is not JSON.") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise IdentityError("The trust bundle is not a JWK Set.")
    return [key for key in keys if isinstance(key, dict)]


def _anchor(key: dict[str, object]) -> x509.Certificate:
    chain = key.get("x5c")
    # An x509-svid key carries exactly one certificate (SPIFFE Trust Domain and Bundle, 4.2.2).
    if not isinstance(chain, list) or len(chain) != 1 or not isinstance(chain[0], str):
        raise IdentityError("An X.509 key of the trust bundle has no single certificate in x5c.")
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(chain[0], validate=True))
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise IdentityError("A certificate of the trust bundle cannot be read.") from error
    # With partial chains allowed, a leaf in the bundle would vouch for itself.
    if not constraints.ca:
        raise IdentityError("A certificate of the trust bundle is not an authority's.")
    return certificate


def _key(anchor: x509.Certificate) -> dict[str, object]:
    der = anchor.public_bytes(serialization.Encoding.DER)
    return {
        "use": _USE,
        **_public_numbers(anchor),
        "x5c": [base64.b64encode(der).decode()],
    }


def _public_numbers(anchor: x509.Certificate) -> dict[str, object]:
    key = anchor.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise IdentityError("Only anchors with elliptic-curve keys can be written to a bundle.")
    size = (key.key_size + 7) // 8
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": {256: "P-256", 384: "P-384"}[key.key_size],
        "x": _base64url(numbers.x.to_bytes(size, "big")),
        "y": _base64url(numbers.y.to_bytes(size, "big")),
    }


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
