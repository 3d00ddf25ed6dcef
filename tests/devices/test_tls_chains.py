"""Real handshakes: which keys, signatures and intermediates a client's certificate may rest on."""

import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from devices.identity import files
from devices.identity.authority import Authority, new_key
from devices.identity.errors import IdentityError
from tests.devices.handshakes import P256, Root, client_context, is_refused, shake, trusting

RSA_3072 = rsa.generate_private_key(65537, 3072)
RSA_2048 = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(P256, id="P-256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="P-384"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="Ed25519"),
        pytest.param(RSA_3072, id="RSA 3072"),
    ],
)
def test_each_strong_key_can_vouch_and_be_vouched_for(
    authority: Authority, tmp_path: Path, key: CertificateIssuerPrivateKeyTypes
) -> None:
    root = Root(key)
    server = trusting(authority, root.certificate)
    shake(server, client_context(tmp_path, key, root.leaf(key)))


def test_rsa_signatures_may_be_of_either_kind(authority: Authority, tmp_path: Path) -> None:
    root = Root(RSA_3072)
    server = trusting(authority, root.certificate)
    for pss in (True, False):
        shake(server, client_context(tmp_path, P256, root.leaf(P256, pss=pss)))


def test_a_short_rsa_key_fails_in_the_handshake(authority: Authority, tmp_path: Path) -> None:
    root = Root(P256)
    server = trusting(authority, root.certificate)
    assert is_refused(server, client_context(tmp_path, RSA_2048, root.leaf(RSA_2048)))


def test_an_authority_with_a_short_rsa_key_vouches_for_nobody(
    authority: Authority, tmp_path: Path
) -> None:
    root = Root(RSA_2048)
    try:
        server = trusting(authority, root.certificate)
    except IdentityError:
        return
    assert is_refused(server, client_context(tmp_path, P256, root.leaf(P256)))


def test_a_sha_1_signature_fails_in_the_handshake(authority: Authority, tmp_path: Path) -> None:
    root = Root(RSA_3072)
    server = trusting(authority, root.certificate)
    strong = root.leaf(P256)
    assert is_refused(server, client_context(tmp_path, P256, signed_with_sha_1(strong)))
    shake(server, client_context(tmp_path, P256, strong))


def signed_with_sha_1(leaf_pem: bytes) -> bytes:
    """Sign a certificate of `RSA_3072` again with SHA-1, which no library will do any more."""
    leaf = x509.load_pem_x509_certificate(leaf_pem)
    sha_256, sha_1 = (bytes.fromhex(f"2a864886f70d0101{last}") for last in ("0b", "05"))
    body = leaf.tbs_certificate_bytes.replace(sha_256, sha_1)
    digest = bytes.fromhex("3021300906052b0e03021a05000414") + hashlib.sha1(body).digest()
    size = RSA_3072.key_size // 8
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    numbers = RSA_3072.private_numbers()
    signature = pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n).to_bytes(size)
    der = leaf.public_bytes(serialization.Encoding.DER)
    der = der.replace(leaf.tbs_certificate_bytes, body).replace(sha_256, sha_1)
    return files.pem(x509.load_der_x509_certificate(der.replace(leaf.signature, signature)))


def test_any_anchor_will_do(authority: Authority, tmp_path: Path) -> None:
    old, new = Root(P256, "old"), Root(new_key(), "new")
    server = trusting(authority, old.certificate, new.certificate)
    for root in (old, new):
        shake(server, client_context(tmp_path, P256, root.leaf(P256)))


def test_an_intermediate_must_come_from_the_client(authority: Authority, tmp_path: Path) -> None:
    root = Root(P256)
    lower, signed = root.below("line authority")
    server = trusting(authority, root.certificate)
    shake(server, client_context(tmp_path, P256, lower.leaf(P256) + signed))
    assert is_refused(server, client_context(tmp_path, P256, lower.leaf(P256)))


def test_an_intermediate_may_be_the_anchor(authority: Authority, tmp_path: Path) -> None:
    lower, _ = Root(P256).below("line authority")
    server = trusting(authority, lower.certificate)
    shake(server, client_context(tmp_path, P256, lower.leaf(P256)))
