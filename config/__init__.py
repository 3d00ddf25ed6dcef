"""The shell: settings, addresses, the portal's frame; it knows the apps, they do not know it."""

# Shared tasks belong to this app in every process, so it must exist before any of them is called.
from config.celery import app as celery_app

__all__ = ["celery_app"]
