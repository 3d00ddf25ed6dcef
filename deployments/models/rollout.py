"""Rollouts: deployments, their batches and one instance for each device."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from applications.models import Application, ApplicationVersion
from deployments import states
from deployments.models.desired import STATUSES, Revision, Workload
from devices.models import Device

STAGES = [(stage.value, look.words) for stage, look in states.STAGE_LOOKS.items()]
STATES = [(state.value, look.words) for state, look in states.STATE_LOOKS.items()]
FAILURES = [(kind.value, words) for kind, words in states.FAILURE_WORDS.items()]
#: Instances that have begun, or may have; and those that a device still has to come for.
MOVING = sorted(state.value for state in states.IN_FLIGHT | {states.State.REMOVING})
EXPECTED = sorted(state.value for state in states.UNDER_WAY | {states.State.REMOVING})


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
    lists show, at a gate that opens by itself also when; the engine alone writes it, so that
    reports need not lock this row. `due_at` is
    when the engine must look again; `claimed_until` is when the claim of the worker that looks
    at it runs out. `moves_made` counts every move, also those that lead to the stage it is in:
    the guards compare it.
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
    moves_made = models.PositiveIntegerField(default=0, db_default=0)

    gate = models.CharField(max_length=10, blank=True, db_default="")
    gate_batch = models.PositiveIntegerField(null=True, blank=True)
    gate_since = models.DateTimeField(null=True, blank=True)
    start_at = models.DateTimeField(null=True, blank=True)

    asks_approval = models.BooleanField(default=False, db_default=False)
    approval_reasons = models.JSONField(default=list, blank=True, db_default=[])
    authors = models.JSONField(default=list, blank=True, db_default=[])
    plan_digest = models.CharField(max_length=64, blank=True, db_default="")
    approved_digest = models.CharField(max_length=64, blank=True, db_default="")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)

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
        permissions = (
            ("roll_out_deployment", "Can start, cancel and steer a deployment"),
            ("approve_deployment", "Can approve or deny a deployment"),
        )
        indexes = (
            models.Index(fields=("due_at",), condition=~Q(due_at=None), name="deployment_due"),
            models.Index(fields=("-updated_at",), name="deployment_updated"),
            # Each poll asks whether a rollback concerns it: mostly there is none.
            models.Index(
                fields=("stage",),
                condition=Q(stage=states.Stage.ROLLING_BACK.value),
                name="deployment_rolling_back",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def look(self) -> states.Look:
        """Tone, mark and words of the stage it is in."""
        stage, status = states.Stage(self.stage), states.Status(self.status)
        by_itself = self.opens_at is not None
        return states.stage_look(stage, status, self.gate_kind, by_itself=by_itself)

    @property
    def opens_at(self) -> datetime | None:
        """When the gate at which it waits opens by itself; None where somebody must open it."""
        noted = self.summary.get("opens_at") if self.stage == states.Stage.GATE else None
        return datetime.fromisoformat(noted) if noted else None

    @property
    def gate_kind(self) -> states.Gate | None:
        """The kind of gate at which it waits."""
        return states.Gate(self.gate) if self.gate else None

    @property
    def status_words(self) -> str:
        """Margo's status in words."""
        return states.STATUS_WORDS[states.Status(self.status)]


class Batch(models.Model):
    """A slice of a deployment's ordered targets: positions `first` to `first + size - 1`.

    `gate` is the kind of gate behind it, opened at `gate_opened_at`; `accepted_failures` are those
    that somebody accepted by resuming. `released_at` is empty again when devices of it were taken
    back or are tried again; `first_released_at` stays.
    """

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    first = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    gate = models.CharField(max_length=10, blank=True, db_default="")
    gate_opened_at = models.DateTimeField(null=True, blank=True)
    accepted_failures = models.PositiveIntegerField(default=0, db_default=0)
    released_at = models.DateTimeField(null=True, blank=True)
    first_released_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("deployment", "number"), name="one_batch_per_number"),
        )

    def __str__(self) -> str:
        return self.name


class Instance(models.Model):
    """One device's part in one deployment.

    `holds` says that this deployment is the one that may change the application on this device;
    `unjudged` that a report came in which the engine has not looked at; `changes` counts writes,
    so that a live page can tell a newer row from an older one.
    """

    # Each index is written for each target of each deployment, so none is there twice, nobody looks
    # for an application alone, and what is empty at first is indexed when it is filled.
    deployment = models.ForeignKey(
        Deployment, models.CASCADE, related_name="instances", db_index=False
    )
    device = models.ForeignKey(Device, models.PROTECT, related_name="instances")
    application = models.ForeignKey(Application, models.PROTECT, related_name="+", db_index=False)
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="instances")
    position = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=STATES, default="queued")
    workload = models.ForeignKey(
        Workload, models.PROTECT, null=True, related_name="instances", db_index=False
    )
    revision = models.ForeignKey(
        Revision, models.PROTECT, null=True, related_name="instances", db_index=False
    )
    restore_to = models.ForeignKey(
        Revision, models.PROTECT, null=True, related_name="+", db_index=False
    )
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
            *(
                models.Index(
                    fields=(name,),
                    condition=Q(**{f"{name}__isnull": False}),
                    name=f"instance_{name}",
                )
                for name in ("revision", "restore_to")
            ),
            models.Index(
                fields=("deployment", "batch"),
                condition=Q(state=states.State.FAILED.value),
                name="instance_failed",
            ),
            models.Index(
                fields=("deployment", "batch"),
                condition=Q(state=states.State.QUEUED.value, released_at__isnull=False),
                name="instance_waiting_again",
            ),
            # The limits of a deployment are the first entries of these two.
            models.Index(
                fields=("deployment", "fetched_at"),
                condition=Q(state__in=MOVING, fetched_at__isnull=False),
                name="instance_fetched",
            ),
            models.Index(
                fields=("deployment", "released_at"),
                condition=Q(state__in=EXPECTED, fetched_at=None),
                name="instance_awaited",
            ),
        )

    def __str__(self) -> str:
        return f"{self.device} in {self.deployment}"

    @property
    def look(self) -> states.Look:
        """Tone, mark and words of its state."""
        return states.STATE_LOOKS[states.State(self.state)]
