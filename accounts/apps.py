"""The accounts app: users and their roles."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and what they may do."""

    name = "accounts"
    verbose_name = "People"
