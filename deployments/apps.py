"""The deployments app: what shall run where."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """Rollouts, desired state and the live page."""

    name = "deployments"
    verbose_name = "Rollouts"

    def ready(self) -> None:
        """Adds what deployments have to say to the pages of the apps below, and listens to them."""
        from django.contrib.auth.signals import user_logged_out

        from accounts import access
        from deployments import doubts, panels
        from deployments.moves.departing import departed, returned
        from devices import departures

        panels.fill()
        departures.listen(departed)
        departures.listen_for_return(returned)
        access.listen(doubts.tell)
        user_logged_out.connect(doubts.signed_out)
