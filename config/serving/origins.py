"""From which pages a browser may open sockets: the portal's own, and no other port's."""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings


class OwnPagesOnly(OriginValidator):
    """Refuses the sockets of other pages, and an origin that is none without a stack trace."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Let the socket in, or close it."""
        if all(_readable(value) for name, value in scope["headers"] if name == b"origin"):
            return await super().__call__(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)


def own_origins() -> list[str]:
    """Where people reach the portal: by its URL, or by any allowed host with the same port.

    Cookies know no ports, so another program on the same machine must not be mistaken for us.
    """
    site = urlsplit(settings.LINESIDE_URL)
    ports = {site.port} if settings.HTTPS else {site.port, settings.WEB_PORT}
    hosts = [
        f"{site.scheme}://{host}{f':{port}' if port else ''}"
        for host in settings.ALLOWED_HOSTS
        for port in ports
    ]
    return [*settings.CSRF_TRUSTED_ORIGINS, *hosts]


def _readable(origin: bytes) -> bool:
    try:
        # Reading the port is what finds out whether it is one.
        return urlsplit(origin.decode("latin1")).port != 0
    except ValueError:
        return False
