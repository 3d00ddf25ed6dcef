"""The devices app: the fleet."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """Where applications can run."""

    name = "devices"
    verbose_name = "Fleet"
