"""The deployments app: what shall run where."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """Rollouts, desired state and the live page."""

    name = "deployments"
    verbose_name = "Rollouts"

    def ready(self) -> None:
        """Adds what deployments have to say to the pages of the apps below."""
        from deployments import panels
        from deployments.moves.departing import departed
        from devices import departures

        panels.fill()
        departures.listen(departed)
