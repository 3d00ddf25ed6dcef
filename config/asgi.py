"""The portal as an ASGI application: pages and the API over HTTP, live pages over sockets."""

import os
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from config.serving.bodies import BoundedBodies
from config.serving.origins import OwnPagesOnly, own_origins

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Sets Django up, which what routing imports needs.
pages = get_asgi_application()


def sockets() -> OwnPagesOnly:
    """The live pages' sockets, for signed-in people who come from the portal's own pages."""
    from deployments.routing import websocket_urlpatterns

    # The stubs want patterns of a class of their own, which exists in no module.
    routes: list[Any] = list(websocket_urlpatterns)
    return OwnPagesOnly(AuthMiddlewareStack(URLRouter(routes)), own_origins())


application = ProtocolTypeRouter({"http": BoundedBodies(pages), "websocket": sockets()})
