"""The accounts app: users and their roles."""

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """People and what they may do."""

    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Keeps the roles right: after each migration they are what the table says."""
        post_migrate.connect(keep_roles, sender=self)


def keep_roles(using: str, apps: Apps = installed, **_: object) -> None:
    """Syncs the roles, unless the migration stopped before there were any groups."""
    from accounts.roles import sync_roles

    try:
        apps.get_model("auth", "Group")
        apps.get_model("accounts", "User")
    except LookupError:
        return
    sync_roles(apps, using)
