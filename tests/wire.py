"""A device listener on a real socket, and clients with real certificates to talk to it."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvloop

from devices import onboarding
from devices.identity import files
from devices.identity.authority import Authority, new_key
from devices.identity.tls import ReloadingContext
from devices.models import Client
from devices.southbound.application import application
from devices.southbound.listener import DeviceServer, device_server
from devices.southbound.routing import Route

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


@dataclass
class Wire:
    """A running listener, its authority, and what a test needs to reach it."""

    authority: Authority
    server: DeviceServer
    folder: Path

    @property
    def url(self) -> str:
        """The base URL that clients use."""
        return f"https://127.0.0.1:{self.server.port}"

    def accept(self, name: str) -> Client:
        """Let a client of this name in, as an operator would."""
        spiffe_id = f"spiffe://{self.authority.trust_domain}/margo/wfm/{self.authority.wfm_id}"
        now = datetime.now(UTC)
        return onboarding.enrol(f"{spiffe_id}/client/{name}", accepted=True, actor=None, now=now)

    def client(self, name: str = "line-4", *, accepted: bool = True) -> httpx.Client:
        """Return an HTTP client with an SVID of its own; the caller closes it (use `with`)."""
        if accepted:
            self.accept(name)
        key = new_key()
        svid = self.authority.issue(name, key.public_key(), now=datetime.now(UTC))
        return self.client_with(files.pem_of_key(key), svid.chain_pem)

    def client_with(self, key_pem: bytes, chain_pem: bytes) -> httpx.Client:
        """Return an HTTP client that presents these, whatever they are."""
        return httpx.Client(base_url=self.url, verify=self.context(key_pem, chain_pem), timeout=10)

    def context(self, key_pem: bytes | None = None, chain_pem: bytes = b"") -> ssl.SSLContext:
        """Return a client's TLS context that trusts this authority alone."""
        context = ssl.create_default_context(cafile=str(self.authority.directory / "ca.pem"))
        # A portal is known by its SPIFFE id, not by a DNS name.
        context.check_hostname = False
        if key_pem is not None:
            both = self.folder / "client-for-the-moment.pem"
            both.write_bytes(key_pem + chain_pem)
            context.load_cert_chain(both)
        return context


@contextmanager
def running(server: DeviceServer, loop: str = "uvloop") -> Iterator[DeviceServer]:
    """Run a device server in a thread with a loop of its own, and stop it afterwards."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        thread = threading.Thread(target=runner.run, args=(server.serve(),), daemon=True)
        thread.start()
        _wait_until(lambda: server.started or not thread.is_alive())
        assert server.started, "the device server did not start"
        try:
            yield server
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the device server did not stop"


@contextmanager
def wired(
    folder: Path,
    routes: Iterable[Route],
    *,
    loop: str = "uvloop",
    max_age_seconds: float = 3600,
    head_seconds: float = 15,
) -> Iterator[Wire]:
    """Make an authority in `folder`, and serve the routes with it on a free port."""
    authority = Authority.create(
        folder / "identity", trust_domain="plant.example", wfm_id="hall-7", now=datetime.now(UTC)
    )
    server = device_server(
        application(routes),
        host="127.0.0.1",
        port=0,
        tls=reloading(authority.directory),
        max_age_seconds=max_age_seconds,
        head_seconds=head_seconds,
    )
    with running(server, loop):
        yield Wire(authority, server, folder)


def reloading(directory: Path) -> ReloadingContext:
    """Return a server's context that follows the files of an authority."""
    return ReloadingContext(directory / "wfm.pem", directory / "wfm.key", directory / "bundle.json")


def hung_up(client: httpx.Client, path: str = "/api/v1/capabilities/x") -> bool:
    """Tell whether the server drops this client's connection without an HTTP answer."""
    with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
        client.get(path)
    return True


def _wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it took too long")
