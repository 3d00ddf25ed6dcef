"""Real handshakes: who gets in, who does not, and what happens when the files change."""

import asyncio
import base64
import contextlib
import hashlib
import json
import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from devices.identity import files
from devices.identity.authority import Authority, new_key
from devices.identity.errors import IdentityError
from devices.identity.tls import ReloadingContext, server_context
from tests.devices.certs import GOOD_ID, ca, certificate, uris, usage
from tests.wire import LOOPS

NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make(tmp_path / "identity")


def make(directory: Path) -> Authority:
    return Authority.create(directory, trust_domain="plant.example", wfm_id="hall-7", now=NOW)


def paths(directory: Path) -> tuple[Path, Path, Path]:
    return directory / "wfm.pem", directory / "wfm.key", directory / "bundle.json"


def issue(authority: Authority) -> tuple[CertificateIssuerPrivateKeyTypes, bytes]:
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
    with pytest.raises(ssl.SSLError):
        shake(server, client)
    return True


def test_a_client_of_the_authority_gets_in_with_tls_1_3(
    authority: Authority, tmp_path: Path
) -> None:
    here, there = shake(
        server_context(*paths(authority.directory)), client_context(tmp_path, *issue(authority))
    )
    assert there.version() == "TLSv1.3"
    assert there.getpeercert(binary_form=True)
    assert not here.session_reused


def test_there_is_nothing_to_resume(authority: Authority, tmp_path: Path) -> None:
    server = server_context(*paths(authority.directory))
    client = client_context(tmp_path, *issue(authority))
    here, there = shake(server, client)
    there.write(b"hello")
    assert here.read(5) == b"hello"
    assert here.session is None or not here.session.has_ticket


def test_without_a_certificate_nobody_gets_in(authority: Authority, tmp_path: Path) -> None:
    assert is_refused(server_context(*paths(authority.directory)), client_context(tmp_path, None))


def test_tls_1_2_is_not_spoken(authority: Authority, tmp_path: Path) -> None:
    old = client_context(tmp_path, *issue(authority))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert is_refused(server_context(*paths(authority.directory)), old)


def test_http_1_1_is_offered(authority: Authority, tmp_path: Path) -> None:
    client = client_context(tmp_path, *issue(authority))
    client.set_alpn_protocols(["h2", "http/1.1"])
    here, _ = shake(server_context(*paths(authority.directory)), client)
    assert here.selected_alpn_protocol() == "http/1.1"


def test_another_authority_vouches_for_nobody(authority: Authority, tmp_path: Path) -> None:
    stranger = make(tmp_path / "stranger")
    assert is_refused(
        server_context(*paths(authority.directory)), client_context(tmp_path, *issue(stranger))
    )


def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    key = new_key()
    past = NOW - timedelta(days=10)
    old = authority.issue("line-4", key.public_key(), now=past, lifetime_days=5)
    assert is_refused(
        server_context(*paths(authority.directory)), client_context(tmp_path, key, old.chain_pem)
    )


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


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Tell the time, a while later at each look."""
        self.seconds += 10
        return self.seconds


def test_a_removed_anchor_is_refused_from_then_on(authority: Authority, tmp_path: Path) -> None:
    old, new = Root(P256, "old"), Root(new_key(), "new")
    files.write(authority.directory / "bundle.json", spelt(old.certificate, new.certificate))
    server = ReloadingContext(*paths(authority.directory), clock=Clock())
    shake(server, client_context(tmp_path, P256, old.leaf(P256)))
    files.write(authority.directory / "bundle.json", spelt(new.certificate))
    assert is_refused(server, client_context(tmp_path, P256, old.leaf(P256)))
    shake(server, client_context(tmp_path, P256, new.leaf(P256)))
    assert server.generation == 2


def test_a_renewed_certificate_is_presented(authority: Authority, tmp_path: Path) -> None:
    server = ReloadingContext(*paths(authority.directory), clock=Clock())
    client = client_context(tmp_path, *issue(authority))
    before = shake(server, client)[0].getpeercert(binary_form=True)
    authority.renew_portal(NOW + timedelta(minutes=5))
    after = shake(server, client)[0].getpeercert(binary_form=True)
    assert before != after


@pytest.mark.parametrize("name", ["bundle.json", "wfm.pem", "wfm.key"])
@pytest.mark.parametrize("content", [b"broken", b'{"keys": []}', None])
def test_a_broken_file_changes_nothing_and_is_said_once(
    authority: Authority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    content: bytes | None,
) -> None:
    server = ReloadingContext(*paths(authority.directory), clock=Clock())
    client = client_context(tmp_path, *issue(authority))
    if content is None:
        (authority.directory / name).unlink()
    else:
        files.write(authority.directory / name, content)
    for _ in range(3):
        shake(server, client)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "The changed identity files are not used" in caplog.text


def test_the_files_are_not_looked_at_for_every_handshake(
    authority: Authority, tmp_path: Path
) -> None:
    server = ReloadingContext(*paths(authority.directory), clock=lambda: 0.0)
    (authority.directory / "bundle.json").unlink()
    shake(server, client_context(tmp_path, *issue(authority)))
    assert server.generation == 1


@pytest.mark.parametrize("name", ["bundle.json", "wfm.pem", "wfm.key"])
def test_it_does_not_start_without_its_files(authority: Authority, name: str) -> None:
    (authority.directory / name).unlink()
    with pytest.raises(IdentityError):
        ReloadingContext(*paths(authority.directory))


def test_a_key_with_a_passphrase_is_refused_instead_of_asked_for(authority: Authority) -> None:
    locked = new_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    files.write(authority.directory / "wfm.key", locked)
    with pytest.raises(IdentityError, match="passphrase"):
        server_context(*paths(authority.directory))


def test_a_key_that_does_not_belong_is_refused(authority: Authority) -> None:
    files.write(authority.directory / "wfm.key", files.pem_of_key(new_key()))
    with pytest.raises(IdentityError, match="cannot be used together"):
        server_context(*paths(authority.directory))


def test_a_broken_key_is_named(authority: Authority) -> None:
    key = authority.directory / "wfm.key"
    files.write(key, b"-----BEGIN PRIVATE KEY-----\nbroken\n")
    with pytest.raises(IdentityError, match=f"^{key} holds no PEM private key"):
        server_context(*paths(authority.directory))


@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_both_event_loops_ask_the_reloading_context(
    authority: Authority, tmp_path: Path, loop: str
) -> None:
    server = ReloadingContext(*paths(authority.directory))
    client = client_context(tmp_path, *issue(authority))

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        await writer.drain()
        writer.close()

    async def talk() -> bytes:
        listening = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server)
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        writer.write(b"hello")
        answer = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        listening.close()
        return answer

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(talk()) == b"hello"
