"""When a deployment needs somebody's approval."""

from django.db import models
from django.db.models import Q

from applications.models import Application


class ApprovalRule(models.Model):
    """A deployment needs approval when everything holds that one of the rules names.

    It is for more than `more_than` devices, one of them matches the label expression `labels`,
    and it rolls `application` out; what a rule leaves empty it does not ask for. Rules are
    evaluated when a deployment is submitted.
    """

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(default=True)
    more_than = models.PositiveIntegerField("for more than so many devices", null=True, blank=True)
    labels = models.CharField("with a device that matches", max_length=1000, blank=True)
    application = models.ForeignKey(
        Application, models.CASCADE, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(more_than__isnull=False) | Q(application__isnull=False) | ~Q(labels=""),
                name="approval_rule_names_something",
            ),
        )

    def __str__(self) -> str:
        return self.name
