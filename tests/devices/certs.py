"""Certificates as no honest authority would make them."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
GOOD_ID = "spiffe://plant.example/margo/wfm/hall-7/client/line-4"


def usage(*, signs: bool = True, cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    """Return a key usage extension with these bits."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def uris(*values: str) -> x509.SubjectAlternativeName:
    """Return alternative names of the kind SPIFFE uses."""
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(value) for value in values])


def ca(*, yes: bool) -> x509.BasicConstraints:
    """Return basic constraints."""
    return x509.BasicConstraints(ca=yes, path_length=None)


def certificate(
    *extensions: x509.ExtensionType,
    key: CertificatePublicKeyTypes | None = None,
    issuer: x509.Certificate | None = None,
    issuer_key: CertificateIssuerPrivateKeyTypes | None = None,
    name: str = "leaf",
    begin: datetime = NOW - timedelta(hours=1),
    end: datetime = NOW + timedelta(days=1),
    hash_: hashes.HashAlgorithm | None = None,
    pss: bool = False,
) -> x509.Certificate:
    """Make a certificate with exactly these extensions."""
    signer = issuer_key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key or signer.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return builder.sign(signer, None)
    hash_ = hash_ or hashes.SHA256()
    saltily = padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH) if pss else None
    return builder.sign(signer, hash_, rsa_padding=saltily)
