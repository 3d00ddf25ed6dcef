"""The Celery app that carries the engine's tasks."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("lineside")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# "Current" holds for the importing thread only; views and devices are served in other threads.
app.set_default()
