"""What shall run where: deployments with batches and instances, workloads with revisions."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from applications.models import Application, ApplicationVersion
from deployments import states
from devices.models import Client, Device

STAGES = [(stage.value, look.words) for stage, look in states.STAGE_LOOKS.items()]
STATUSES = [(status.value, words) for status, words in states.STATUS_WORDS.items()]
STATES = [(state.value, look.words) for state, look in states.STATE_LOOKS.items()]
FAILURES = [(kind.value, words) for kind, words in states.FAILURE_WORDS.items()]


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Ways to pick deployments."""

    def listed(self) -> "DeploymentQuerySet":
        """Those that were not deleted from the lists."""
        return self.filter(hidden_at=None)


class Deployment(models.Model):
    """One rollout of one version, profile and parameters by a strategy.

    `targeting` is what the operator chose (ids, groups, a label expression, exclusions); the
    frozen, ordered targets are the instances. `parameters` are the values somebody gave;
    `resolved` what the devices get, made at submit with its hash in `content`. `summary` is what
    lists show; the engine alone writes it, so that reports need not lock this row. `due_at` is
    when the engine must look again; `claimed_until` is when the claim of the worker that looks
    at it runs out.
    """

    name = models.CharField(max_length=200)
    version = models.ForeignKey(ApplicationVersion, models.PROTECT, related_name="deployments")
    profile_id = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict, blank=True)
    resolved = models.JSONField(default=dict, blank=True)
    content = models.CharField(max_length=71, blank=True)
    strategy = models.JSONField(default=dict, blank=True)
    targeting = models.JSONField(default=dict, blank=True)
    stage = models.CharField(max_length=20, choices=STAGES, default="draft")
    status = models.CharField(max_length=12, choices=STATUSES, default="pending")
    wizard_step = models.PositiveSmallIntegerField(default=1)
    edits = models.PositiveIntegerField(default=0)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)

    due_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    stumbles = models.PositiveSmallIntegerField(default=0)
    trouble = models.TextField(blank=True)
    summary = models.JSONField(default=dict, blank=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-pk")
        permissions = (("roll_out_deployment", "Can start, cancel and steer a deployment"),)
        indexes = (
            models.Index(fields=("due_at",), condition=~Q(due_at=None), name="deployment_due"),
            models.Index(fields=("-updated_at",), name="deployment_updated"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def look(self) -> states.Look:
        """Tone, mark and words of the stage it is in."""
        return states.stage_look(states.Stage(self.stage), states.Status(self.status))

    @property
    def status_words(self) -> str:
        """Margo's status in words."""
        return states.STATUS_WORDS[states.Status(self.status)]


class Batch(models.Model):
    """A slice of a deployment's ordered targets: positions `first` to `first + size - 1`."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    first = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    released_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("deployment", "number"), name="one_batch_per_number"),
        )

    def __str__(self) -> str:
        return self.name


class Workload(models.Model):
    """One application on one device over time, known to the device by its deploymentId (`uid`).

    `wanted` is the content the device shall run, `installed` the last one it reported installed.
    The id stays the same across upgrades, so that the device upgrades in place.
    """

    device = models.ForeignKey(Device, models.PROTECT, related_name="workloads")
    application = models.ForeignKey(Application, models.PROTECT, related_name="workloads")
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

    def __str__(self) -> str:
        return str(self.uid)


class Revision(models.Model):
    """The exact desired content of a workload.

    `content` names what is wanted (version, profile and parameters hashed), `attempt` sets a
    retry apart. The document's bytes and digest are made when the client first polls for it;
    `target_version` is the manifest version at which they became the target, empty until then.
    A revision taken back before it was published is `withdrawn_at` and never will be.
    """

    workload = models.ForeignKey(Workload, models.CASCADE, related_name="revisions")
    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="revisions")
    version = models.ForeignKey(ApplicationVersion, models.PROTECT, related_name="+")
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    content = models.CharField(max_length=71)
    attempt = models.PositiveIntegerField(default=0)
    document = models.BinaryField(null=True)
    digest = models.CharField(max_length=71, blank=True)
    target_version = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("workload", "digest"), name="revision_by_digest"),)

    def __str__(self) -> str:
        return self.digest or f"unpublished content for {self.workload_id}"


class Instance(models.Model):
    """One device's part in one deployment.

    `holds` says that this deployment is the one that may change the application on this device;
    `unjudged` that a report came in which the engine has not looked at; `changes` counts writes,
    so that a live page can tell a newer row from an older one.
    """

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="instances")
    device = models.ForeignKey(Device, models.PROTECT, related_name="instances")
    application = models.ForeignKey(Application, models.PROTECT, related_name="+")
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="instances")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=STATES, default="queued")
    workload = models.ForeignKey(Workload, models.PROTECT, null=True, related_name="instances")
    revision = models.ForeignKey(Revision, models.PROTECT, null=True, related_name="instances")
    restore_to = models.ForeignKey(Revision, models.PROTECT, null=True, related_name="+")
    progress = models.PositiveSmallIntegerField(default=0)
    progress_words = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    failure = models.CharField(max_length=16, choices=FAILURES, blank=True)
    last_error = models.TextField(blank=True)
    holds = models.BooleanField(default=False)
    unjudged = models.BooleanField(default=False)
    released_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    changes = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=("deployment", "device"), name="one_instance_per_device"
            ),
            models.UniqueConstraint(
                fields=("device", "application"),
                condition=Q(holds=True),
                name="one_holder_per_device_application",
            ),
        )
        indexes = (
            models.Index(fields=("deployment", "batch", "state"), name="instance_counts"),
            models.Index(fields=("deployment", "changed_at"), name="instance_changed"),
            models.Index(
                fields=("deployment",), condition=Q(unjudged=True), name="instance_unjudged"
            ),
            models.Index(fields=("deployment", "position"), name="instance_order"),
        )

    def __str__(self) -> str:
        return f"{self.device} in {self.deployment}"

    @property
    def look(self) -> states.Look:
        """Tone, mark and words of its state."""
        return states.STATE_LOOKS[states.State(self.state)]


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
        indexes = (models.Index(fields=("deployment", "-id"), name="event_by_deployment"),)

    def __str__(self) -> str:
        return self.sentence
