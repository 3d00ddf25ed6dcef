"""The devices app: the fleet."""

from django.apps import AppConfig

from accounts import panels


class DevicesConfig(AppConfig):
    """Where applications can run."""

    name = "devices"
    verbose_name = "Fleet"

    def ready(self) -> None:
        """Puts the fleet on the overview and registers the checks of the portal's identity."""
        from devices.checks import register_checks
        from devices.panels import fleet

        panels.register(panels.Place.DASHBOARD, fleet)
        register_checks()
