"""What devices shall run, what was published to them, and what they said."""

import uuid

from django.db import models
from django.db.models import Q

from applications.models import Application, ApplicationVersion
from deployments import states
from devices.models import Client, Device

STATUSES = [(status.value, words) for status, words in states.STATUS_WORDS.items()]


class Workload(models.Model):
    """One application on one device over time, known to the device by its deploymentId (`uid`).

    `wanted` is the content the device shall run, `installed` the last one it reported installed.
    The id stays the same across upgrades, so that the device upgrades in place.
    """

    # The unique constraint below finds a device's workloads.
    device = models.ForeignKey(Device, models.PROTECT, related_name="workloads", db_index=False)
    application = models.ForeignKey(
        Application, models.PROTECT, related_name="workloads", db_index=False
    )
    uid = models.UUIDField("deployment id", default=uuid.uuid4, unique=True)
    wanted = models.ForeignKey(
        "Revision", models.PROTECT, null=True, blank=True, related_name="wanted_by"
    )
    installed = models.ForeignKey(
        "Revision", models.PROTECT, null=True, blank=True, related_name="installed_on"
    )
    state = models.CharField(max_length=12, choices=STATUSES, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("device", "application"), name="one_workload_per_device_application"
            ),
        )
        # With the device, so that who looks for both finds one row whichever index is taken.
        indexes = (models.Index(fields=("application", "device"), name="workload_by_application"),)

    def __str__(self) -> str:
        return str(self.uid)


class Revision(models.Model):
    """The exact desired content of a workload.

    `content` names what is wanted (version, profile and parameters hashed), `attempt` sets a
    retry apart. The document's bytes and digest are made when the client first polls for it;
    `target_version` is the manifest version at which they became the target, empty until then.
    A revision taken back before it was published is `withdrawn_at` and never will be.
    `deployment` is the one whose profile and parameters it has; a rollback makes revisions that
    `restores` an earlier one, or a `removal` that takes the application away. `installed_at` is
    when the device first reported it installed, `bad_at` when it was rolled back there.
    """

    # Each index is written ten thousand times by a release: only those that are read are kept.
    workload = models.ForeignKey(Workload, models.CASCADE, related_name="revisions", db_index=False)
    deployment = models.ForeignKey("Deployment", models.PROTECT, related_name="revisions")
    version = models.ForeignKey(
        ApplicationVersion, models.PROTECT, related_name="+", db_index=False
    )
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_index=False
    )
    content = models.CharField(max_length=71)
    attempt = models.PositiveIntegerField(default=0)
    document = models.BinaryField(null=True)
    digest = models.CharField(max_length=71, blank=True)
    target_version = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    removal = models.BooleanField(default=False, db_default=False)
    restores = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", db_index=False
    )
    installed_at = models.DateTimeField(null=True)
    bad_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("workload", "digest"), name="revision_by_digest"),
            # Who wants to delete a revision has to know what refers to it.
            models.Index(
                fields=("replaces",), condition=~Q(replaces=None), name="revision_replaced_by"
            ),
            models.Index(
                fields=("restores",), condition=~Q(restores=None), name="revision_restored_by"
            ),
        )

    def __str__(self) -> str:
        return self.digest or f"unpublished content for {self.workload_id}"


class Manifest(models.Model):
    """A state manifest as published to a client: the exact bytes, and those of its bundle."""

    client = models.ForeignKey(Client, models.CASCADE, related_name="manifests")
    version = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=71)
    body = models.BinaryField()
    bundle_digest = models.CharField(max_length=71, blank=True)
    bundle = models.BinaryField(null=True)
    entries = models.JSONField(default=list)
    published_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("client", "version"), name="one_manifest_per_client_version"
            ),
        )
        indexes = (models.Index(fields=("client", "bundle_digest"), name="manifest_by_bundle"),)

    def __str__(self) -> str:
        return f"manifest {self.version} of {self.client}"


class StatusReport(models.Model):
    """A status report as it came in: history, whether it counted or not."""

    workload = models.ForeignKey(Workload, models.CASCADE, related_name="reports")
    revision = models.ForeignKey(Revision, models.SET_NULL, null=True, related_name="reports")
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=STATUSES)
    adopted_version = models.DecimalField(max_digits=20, decimal_places=0, null=True)
    components = models.JSONField(default=list)
    error = models.TextField(blank=True)
    counted = models.BooleanField(default=False)
    remark = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.state} for {self.workload_id}"
