"""The applications app: the catalogue."""

from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    """What can be rolled out."""

    name = "applications"
    verbose_name = "Catalogue"
