"""The addresses of the sockets."""

from collections.abc import Callable
from typing import cast

from django.http import HttpResponseBase
from django.urls import path, re_path

from deployments.consumers import DeploymentConsumer, Nowhere

# Django's type stubs know views only; channels routes sockets with the same patterns.
socket = cast("Callable[..., HttpResponseBase]", DeploymentConsumer.as_asgi())
nowhere = cast("Callable[..., HttpResponseBase]", Nowhere.as_asgi())

websocket_urlpatterns = [
    path("ws/deployments/<int:pk>/", socket, name="deployment-live"),
    # Without it, an address that leads nowhere would be an error of the portal's.
    re_path("", nowhere),
]
