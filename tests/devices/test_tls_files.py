"""Real handshakes: what happens when the files of the identity change, break or are missing."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from devices.identity import files
from devices.identity.authority import Authority, new_key
from devices.identity.errors import IdentityError
from devices.identity.tls import ReloadingContext, server_context
from tests.devices.handshakes import (
    NOW,
    P256,
    Root,
    client_context,
    is_refused,
    issue,
    paths,
    shake,
    spelt,
)


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
