"""Real handshakes: who gets in, and who does not."""

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from devices.identity.authority import Authority, new_key
from devices.identity.tls import ReloadingContext, server_context
from tests.devices.handshakes import NOW, client_context, is_refused, issue, make, paths, shake
from tests.wire import LOOPS


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
