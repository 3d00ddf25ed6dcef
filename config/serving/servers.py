"""The web server and the device listener, each on a socket that is bound before anything starts."""

import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from django.conf import settings

from config.serving.parts import CannotStartError
from config.serving.protocol import PeopleProtocol
from devices.identity.errors import IdentityError
from devices.identity.tls import ReloadingContext
from devices.southbound.listener import device_server

_GRACE_SECONDS = 2
_MAX_MESSAGE_BYTES = 16 * 1024


class Server:
    """A uvicorn server in the runner's loop."""

    def __init__(self, name: str, server: uvicorn.Server, listening: socket.socket) -> None:
        self.name = name
        self.host, self.port = listening.getsockname()[:2]
        self._server = server
        self._listening = listening

    async def run(self) -> None:
        """Serve until stopped."""
        await self._server.serve(sockets=[self._listening])

    def stop(self) -> None:
        """Take no more connections, and end those that are left after a moment."""
        self._server.should_exit = True


class QuietServer(uvicorn.Server):
    """A server that leaves the signals to the runner.

    Uvicorn raises a signal again after its own shutdown, and so would end the process before
    the worker has cleaned up.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def web() -> Server:
    """Make the web server; raise `CannotStartError` when its port is taken."""
    from config.asgi import application

    listening = bind(settings.WEB_HOST, settings.WEB_PORT, "LINESIDE_WEB_PORT")
    return Server("web server", QuietServer(web_config(application)), listening)


def web_config(application: Any) -> uvicorn.Config:
    """What uvicorn shall do for people; its bounds are what a page of ours never reaches."""
    return uvicorn.Config(
        application,
        http=PeopleProtocol,
        ws_max_size=_MAX_MESSAGE_BYTES,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Django itself decides whose forwarding headers it believes.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def devices() -> Server:
    """Make the device listener; raise `CannotStartError` without an identity or a port."""
    from config.southbound import application

    server = device_server(
        application, host=settings.DEVICE_HOST, port=settings.DEVICE_PORT, tls=own_identity()
    )
    listening = bind(settings.DEVICE_HOST, settings.DEVICE_PORT, "LINESIDE_DEVICE_PORT")
    return Server("device listener", server, listening)


def own_identity() -> ReloadingContext:
    """Load the portal's certificate, key and anchors."""
    try:
        return ReloadingContext(settings.SVID_CERTIFICATE, settings.SVID_KEY, settings.TRUST_BUNDLE)
    except (IdentityError, OSError) as error:
        raise CannotStartError(
            f"The portal has no identity to show to devices: {error} Make one with "
            "`manage.py identity init --trust-domain YOUR.DOMAIN`, or name an existing one."
        ) from error


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Listen on the address; raise `CannotStartError` naming the setting that moves it."""
    family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotStartError(
            f"Port {port} on {host} cannot be had ({os.strerror(error.errno or 0)}): stop the "
            f"program that uses it, or set {setting} to another port."
        ) from error
