"""A deployment's history."""

from django.conf import settings
from django.db import models

from deployments.models.rollout import Deployment
from deployments.states import Stage


class Event(models.Model):
    """One line of a deployment's history: what, from, to, who (nobody = the engine), why, when."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=32)
    from_stage = models.CharField(max_length=20, blank=True)
    to_stage = models.CharField(max_length=20, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    sentence = models.TextField()
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=("deployment", "-id"), name="event_by_deployment"),
            models.Index(fields=("-at", "-id"), name="event_by_time"),
            # When it was submitted: nothing else leads away from a draft.
            models.Index(
                fields=("deployment", "-at"),
                condition=models.Q(from_stage=Stage.DRAFT.value),
                name="event_submitted",
            ),
        )

    def __str__(self) -> str:
        return self.sentence
