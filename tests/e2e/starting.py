"""A deployment of the only version to all devices, begun without a browser."""

#: For `manage.py shell -c`.
START = """
from django.utils import timezone
from applications.models import ApplicationVersion
from deployments import drafting, moves, submitting
now = timezone.now()
version = ApplicationVersion.objects.get()
draft = drafting.create(version=version, profile_id=version.profiles[0]["id"], name="Rollout",
    actor=None, now=now, targeting={"labels": "!none"})
submitting.submit(draft, actor=None, now=now)
moves.start(draft, actor=None, now=now)
"""
