"""Which keys are strong enough to stand for a client or for the portal."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from devices.identity.errors import IdentityError

_CURVES = ("secp256r1", "secp384r1")
_MIN_RSA_BITS = 3072
# Verifying with a monstrous key is work that a stranger could make the portal do.
_MAX_RSA_BITS = 8192


def check_key(key: CertificatePublicKeyTypes) -> None:
    """Raise `IdentityError` unless the key is P-256, P-384, Ed25519 or RSA of 3072 bits and more.

    Margo: X.509-SVIDs, key types and algorithms.
    """
    match key:
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return
        case ed25519.Ed25519PublicKey():
            return
        case rsa.RSAPublicKey() if _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
            return
        case rsa.RSAPublicKey():
            raise IdentityError(
                f"An RSA key of {key.key_size} bits is refused: "
                f"use {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits, or an elliptic curve."
            )
        case ec.EllipticCurvePublicKey():
            raise IdentityError(f"The curve {key.curve.name} is refused: use P-256 or P-384.")
        case _:
            raise IdentityError("The key is of a kind that is not accepted: use P-256.")


def public_key_of(
    source: x509.Certificate | x509.CertificateSigningRequest,
) -> CertificatePublicKeyTypes:
    """Return the public key in a certificate or CSR; raise `IdentityError` for unreadable ones."""
    try:
        return source.public_key()
    except (ValueError, TypeError) as error:
        raise IdentityError("The public key cannot be read.") from error
