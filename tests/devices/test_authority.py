"""The portal as its own authority: what it writes, what it issues, what it refuses."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from devices.identity import bundle, files
from devices.identity.authority import Authority, new_key
from devices.identity.errors import IdentityError
from devices.identity.svid import portal_of, spiffe_id_of
from devices.identity.validation import client_of
from tests.devices.certs import uris

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make(tmp_path)


def make(folder: Path) -> Authority:
    return Authority.create(
        folder / "identity", trust_domain="plant.example", wfm_id="hall-7", now=NOW
    )


def leaf_of(chain_pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificates(chain_pem)[0]


def csr(key: ec.EllipticCurvePrivateKey, *names: str) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if names:
        builder = builder.add_extension(uris(*names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_nobody_else_can_read_what_it_writes(authority: Authority) -> None:
    assert stat.S_IMODE(authority.directory.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in authority.directory.iterdir()}
    assert modes == dict.fromkeys(["ca.key", "ca.pem", "wfm.key", "wfm.pem", "bundle.json"], 0o600)


def test_the_root_is_an_authority_and_nothing_else(authority: Authority) -> None:
    root = authority.certificate
    assert str(spiffe_id_of(root)) == "spiffe://plant.example"
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign) == (True, True)
    root.verify_directly_issued_by(root)


def test_the_portals_certificate_names_it_and_comes_from_the_bundles_anchor(
    authority: Authority,
) -> None:
    svid = files.read_chain(authority.directory / "wfm.pem")[0]
    assert str(portal_of(svid)) == "spiffe://plant.example/margo/wfm/hall-7"
    svid.verify_directly_issued_by(bundle.read(authority.directory / "bundle.json")[0])


def test_a_clients_certificate_follows_the_profile(authority: Authority) -> None:
    issued = authority.issue("line-4", new_key().public_key(), now=NOW, lifetime_days=30)
    leaf = leaf_of(issued.chain_pem)
    assert issued.spiffe_id == "spiffe://plant.example/margo/wfm/hall-7/client/line-4"
    assert issued.not_after == NOW + timedelta(days=30)
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert client_of(leaf, "plant.example", "hall-7", NOW) == issued.spiffe_id


def test_it_can_be_opened_again(authority: Authority) -> None:
    again = Authority.load(authority.directory)
    issued = again.issue("line-4", new_key().public_key(), now=NOW)
    leaf_of(issued.chain_pem).verify_directly_issued_by(authority.certificate)


def test_it_is_never_overwritten(authority: Authority) -> None:
    before = (authority.directory / "ca.key").read_bytes()
    with pytest.raises(IdentityError, match="already holds an identity"):
        make(authority.directory.parent)
    assert (authority.directory / "ca.key").read_bytes() == before


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "identity").mkdir()
    (tmp_path / "identity" / "notes.txt").write_text("mine")
    with pytest.raises(IdentityError, match="Move it away"):
        make(tmp_path)
    assert [path.name for path in (tmp_path / "identity").iterdir()] == ["notes.txt"]


def test_what_a_crash_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    leftover = tmp_path / ".identity-new-abc"
    leftover.mkdir()
    (leftover / "ca.key").write_text("half")
    make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["identity"]


@pytest.mark.parametrize("name", ["ca.key", "ca.pem", "wfm.key", "wfm.pem", "bundle.json"])
def test_a_missing_file_is_named_with_what_to_do(authority: Authority, name: str) -> None:
    (authority.directory / name).unlink()
    with pytest.raises(IdentityError, match=f"lacks {name}. Put the files back"):
        Authority.load(authority.directory)


def test_an_absent_authority_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="identity init makes one"):
        Authority.load(tmp_path / "nothing")


def test_a_root_key_that_does_not_belong_is_noticed(authority: Authority) -> None:
    files.write(authority.directory / "ca.key", files.pem_of_key(new_key()))
    with pytest.raises(IdentityError, match="does not belong"):
        Authority.load(authority.directory)


@pytest.mark.parametrize(
    ("domain", "wfm_id"),
    [("Plant", "hall-7"), ("", "hall-7"), ("plant.example", "a/b"), ("plant.example", "..")],
)
def test_impossible_names_make_no_authority(tmp_path: Path, domain: str, wfm_id: str) -> None:
    with pytest.raises(IdentityError):
        Authority.create(tmp_path / "identity", trust_domain=domain, wfm_id=wfm_id, now=NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ec.generate_private_key(ec.SECP256R1()).public_key(), id="P-256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()).public_key(), id="P-384"),
        pytest.param(ed25519.Ed25519PrivateKey.generate().public_key(), id="Ed25519"),
        pytest.param(rsa.generate_private_key(65537, 3072).public_key(), id="RSA 3072"),
    ],
)
def test_strong_keys_are_certified(authority: Authority, key: CertificatePublicKeyTypes) -> None:
    leaf = leaf_of(authority.issue("line-4", key, now=NOW).chain_pem)
    assert leaf.public_key() == key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        pytest.param(rsa.generate_private_key(65537, 2048).public_key(), "2048 bits", id="RSA"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()).public_key(), "secp521r1", id="P-521"),
        pytest.param(
            ec.generate_private_key(ec.SECP256K1()).public_key(), "secp256k1", id="secp256k1"
        ),
    ],
)
def test_other_keys_are_refused(
    authority: Authority, key: CertificatePublicKeyTypes, words: str
) -> None:
    with pytest.raises(IdentityError, match=words):
        authority.issue("line-4", key, now=NOW)


def test_a_certificate_never_outlives_the_authority(authority: Authority) -> None:
    issued = authority.issue("line-4", new_key().public_key(), now=NOW, lifetime_days=99_999)
    assert issued.not_after == authority.certificate.not_valid_after_utc


def test_an_expired_authority_issues_nothing(authority: Authority) -> None:
    late = authority.certificate.not_valid_after_utc
    with pytest.raises(IdentityError, match="expired on"):
        authority.issue("line-4", new_key().public_key(), now=late)


def test_a_signing_request_gets_a_certificate_for_its_key_and_our_name(
    authority: Authority,
) -> None:
    key = new_key()
    wanted = "spiffe://plant.example/margo/wfm/hall-7/client/line-4"
    for request in (csr(key), csr(key, wanted)):
        issued = authority.issue_for_csr("line-4", request, now=NOW)
        leaf = leaf_of(issued.chain_pem)
        assert leaf.public_key() == key.public_key()
        assert str(spiffe_id_of(leaf)) == wanted


def test_a_signing_request_for_another_name_is_refused(authority: Authority) -> None:
    other = "spiffe://plant.example/margo/wfm/hall-7/client/line-5"
    with pytest.raises(IdentityError, match="asks for .*line-5"):
        authority.issue_for_csr("line-4", csr(new_key(), other), now=NOW)


def test_a_signing_request_signed_by_another_key_is_refused(authority: Authority) -> None:
    request = x509.load_pem_x509_csr(csr(new_key()))
    der = bytearray(request.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(IdentityError, match="signed"):
        authority.issue_for_csr("line-4", broken, now=NOW)


@pytest.mark.parametrize("text", [b"", b"hello", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
def test_what_is_no_signing_request_is_refused(authority: Authority, text: bytes) -> None:
    with pytest.raises(IdentityError, match="must be PEM"):
        authority.issue_for_csr("line-4", text, now=NOW)


def test_renewing_the_portal_keeps_its_key_and_its_name(authority: Authority) -> None:
    before = files.read_chain(authority.directory / "wfm.pem")[0]
    later = NOW + timedelta(days=300)
    end = authority.renew_portal(later)
    after = files.read_chain(authority.directory / "wfm.pem")[0]
    assert end == after.not_valid_after_utc == later + timedelta(days=365)
    assert after.public_key() == before.public_key()
    assert spiffe_id_of(after) == spiffe_id_of(before)
