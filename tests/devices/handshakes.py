"""Both ends of a handshake, and authorities of any kind of key."""

import base64
import contextlib
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from devices.identity import files
from devices.identity.authority import Authority, new_key
from devices.identity.tls import server_context
from tests.devices.certs import GOOD_ID, ca, certificate, uris, usage

NOW = datetime.now(UTC)


def make(directory: Path) -> Authority:
    """Make an authority of this portal in a folder."""
    return Authority.create(directory, trust_domain="plant.example", wfm_id="hall-7", now=NOW)


def paths(directory: Path) -> tuple[Path, Path, Path]:
    """Return where the certificate, the key and the bundle of an authority are."""
    return directory / "wfm.pem", directory / "wfm.key", directory / "bundle.json"


def issue(authority: Authority) -> tuple[CertificateIssuerPrivateKeyTypes, bytes]:
    """Issue a certificate to a client; return its key and its chain."""
    key = new_key()
    return key, authority.issue("line-4", key.public_key(), now=NOW).chain_pem


def client_context(
    folder: Path, key: CertificateIssuerPrivateKeyTypes | None, chain_pem: bytes = b""
) -> ssl.SSLContext:
    """Return a client that looks at nothing, so that every refusal is the server's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # The weak must be able to try.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if key is not None:
        both = folder / "both.pem"
        both.write_bytes(files.pem_of_key(key) + chain_pem)
        context.load_cert_chain(both)
    return context


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Complete a handshake in memory; return both ends, or raise the server's `ssl.SSLError`."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [here, there]
    for _ in range(10):
        for end in list(waiting):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
                waiting.remove(end)
    assert not waiting
    return here, there


def is_refused(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    """Check that the server ends the handshake."""
    with pytest.raises(ssl.SSLError):
        shake(server, client)
    return True


@dataclass
class Root:
    """An authority of any kind of key."""

    key: CertificateIssuerPrivateKeyTypes
    name: str = "root"

    def __post_init__(self) -> None:
        self.certificate = certificate(
            ca(yes=True),
            usage(signs=False, cert_sign=True),
            key=self.key.public_key(),
            issuer_key=self.key,
            name=self.name,
        )

    def leaf(
        self,
        key: CertificateIssuerPrivateKeyTypes,
        *,
        hash_: hashes.HashAlgorithm | None = None,
        pss: bool = False,
    ) -> bytes:
        """Sign a client's certificate."""
        leaf = certificate(
            uris(GOOD_ID),
            ca(yes=False),
            usage(),
            key=key.public_key(),
            issuer=self.certificate,
            issuer_key=self.key,
            hash_=hash_,
            pss=pss,
        )
        return files.pem(leaf)

    def below(self, name: str) -> tuple["Root", bytes]:
        """Make an intermediate authority, and its certificate signed by this one."""
        lower = Root(ec.generate_private_key(ec.SECP256R1()), name)
        signed = certificate(
            ca(yes=True),
            usage(signs=False, cert_sign=True),
            key=lower.key.public_key(),
            issuer=self.certificate,
            issuer_key=self.key,
            name=name,
        )
        lower.certificate = signed
        return lower, files.pem(signed)


def spelt(*anchors: x509.Certificate) -> bytes:
    """Write a bundle of anchors of any kind."""
    ders = [anchor.public_bytes(serialization.Encoding.DER) for anchor in anchors]
    keys = [{"use": "x509-svid", "x5c": [base64.b64encode(der).decode()]} for der in ders]
    return json.dumps({"keys": keys}).encode()


def trusting(authority: Authority, *anchors: x509.Certificate) -> ssl.SSLContext:
    """Return a server that trusts these anchors alone."""
    certificate_path, key, trust_bundle = paths(authority.directory)
    files.write(trust_bundle, spelt(*anchors))
    return server_context(certificate_path, key, trust_bundle)


P256 = ec.generate_private_key(ec.SECP256R1())
