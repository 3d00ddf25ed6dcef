"""Makes certificates that follow the X.509-SVID profile."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Devices on a plant's floor keep time badly; a fresh certificate is good a little before its birth.
_BACKDATE = timedelta(minutes=10)


def root(
    key: ec.EllipticCurvePrivateKey, trust_domain: str, *, now: datetime, lifetime: timedelta
) -> x509.Certificate:
    """Make the self-signed anchor of a trust domain."""
    name = _name("Lineside authority")
    builder = _certificate(name, name, key.public_key(), key.public_key())
    return (
        builder.not_valid_before(now - _BACKDATE)
        .not_valid_after(now + lifetime)
        .add_extension(_uri(f"spiffe://{trust_domain}"), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def leaf(
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    public_key: CertificatePublicKeyTypes,
    spiffe_id: str,
    *,
    now: datetime,
    not_after: datetime,
) -> x509.Certificate:
    """Make an X.509-SVID: one URI SAN, no authority, signs handshakes only, for either side."""
    both_sides = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _certificate(
        _name("Lineside identity"), issuer.subject, public_key, issuer_key.public_key()
    )
    return (
        builder.not_valid_before(now - _BACKDATE)
        .not_valid_after(not_after)
        .add_extension(_uri(spiffe_id), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both_sides), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    subject_key: CertificatePublicKeyTypes,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(subject_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _uri(spiffe_id: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe_id)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
