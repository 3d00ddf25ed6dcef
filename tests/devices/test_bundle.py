"""The trust bundle: only X.509 anchors count, and a bundle without one is refused."""

import base64
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.identity import bundle
from devices.identity.errors import IdentityError
from tests.devices.certs import ca, certificate, uris, usage

ANCHOR = certificate(ca(yes=True), usage(cert_sign=True), uris("spiffe://plant.example"))
OTHER = certificate(ca(yes=True), usage(cert_sign=True), name="other")
LEAF = certificate(ca(yes=False), usage())


def key(anchor: x509.Certificate, **members: object) -> dict[str, object]:
    der = anchor.public_bytes(serialization.Encoding.DER)
    return {"kty": "EC", "use": "x509-svid", "x5c": [base64.b64encode(der).decode()], **members}


def spelt(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_what_is_written_reads_back() -> None:
    text = bundle.spell([ANCHOR, OTHER])
    assert bundle.parse(text) == [ANCHOR, OTHER]
    first = json.loads(text)["keys"][0]
    assert (first["kty"], first["crv"], first["use"]) == ("EC", "P-256", "x509-svid")


def test_other_keys_and_unknown_members_are_ignored() -> None:
    document = {
        "keys": [
            {"kty": "EC", "use": "jwt-svid", "kid": "1"},
            {"kty": "EC", "x5c": ["not for us"]},
            key(ANCHOR, colour="green"),
            {"use": "sig"},
            "no object",
        ],
        "spiffe_sequence": 7,
        "unheard_of": {"of": "course"},
    }
    assert bundle.parse(json.dumps(document).encode()) == [ANCHOR]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty file"),
        pytest.param(b"{", id="half of it"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"keys": {}}', id="keys are no list"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(spelt(), id="no key"),
        pytest.param(spelt({"use": "jwt-svid"}), id="no X.509 anchor"),
        pytest.param(spelt({"use": "x509-svid"}), id="no x5c"),
        pytest.param(spelt({"use": "x509-svid", "x5c": []}), id="empty x5c"),
        pytest.param(spelt({"use": "x509-svid", "x5c": [1]}), id="x5c of numbers"),
        pytest.param(spelt({"use": "x509-svid", "x5c": ["%%%"]}), id="no base64"),
        pytest.param(spelt({"use": "x509-svid", "x5c": ["AAAA"]}), id="no certificate"),
        pytest.param(spelt(key(LEAF)), id="a leaf as anchor"),
        pytest.param(spelt(key(ANCHOR), {"use": "x509-svid", "x5c": ["AAAA"]}), id="one broken"),
    ],
)
def test_a_bundle_that_cannot_be_used_is_refused_whole(content: bytes) -> None:
    with pytest.raises(IdentityError):
        bundle.parse(content)


@settings(deadline=None)
@given(content=st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(content: bytes) -> None:
    with pytest.raises(IdentityError):
        bundle.parse(content)


def test_the_refusal_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="missing.json is missing"):
        bundle.read(tmp_path / "missing.json")
    (tmp_path / "bad.json").write_bytes(b"{}")
    with pytest.raises(IdentityError, match="bad.json cannot be used: The trust bundle"):
        bundle.read(tmp_path / "bad.json")


def test_pem_holds_every_anchor() -> None:
    assert x509.load_pem_x509_certificates(bundle.pem([ANCHOR, OTHER])) == [ANCHOR, OTHER]
