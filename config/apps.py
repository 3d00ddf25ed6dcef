"""The shell as Django apps: its own templates and static files, and the portal's admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConfigConfig(AppConfig):
    """Gives the shell its management commands and template tags."""

    name = "config"
    verbose_name = "Lineside"


class PortalAdminConfig(AdminConfig):
    """The Django admin with the portal's site in place of the stock one."""

    default_site = "config.site.PortalSite"
