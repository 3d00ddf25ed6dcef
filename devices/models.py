"""Where applications can run: clients, the devices behind them, and groups of devices."""

from django.db import models

from devices.kinds import KindOf


class Client(models.Model):
    """A Margo WFM client: one identity that polls and reports, for one device or many.

    `manifest_version` is the version of the newest manifest published to it and never goes back,
    also not when the client is retired and accepted again (Margo: desired state). The client's
    desired state is out of date when `desired_generation` is ahead of `published_generation`.
    """

    class State(models.TextChoices):
        """The operator's decision about this identity; only accepted ones get an answer."""

        PENDING = "pending", "Pending"
        ACCEPTED = "accepted", "Accepted"
        RETIRED = "retired", "Retired"

    spiffe_id = models.CharField("SPIFFE ID", max_length=500, unique=True)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=16, choices=State.choices, default="pending")
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    svid_not_after = models.DateTimeField("certificate expires", null=True, blank=True)

    manifest_version = models.PositiveBigIntegerField(default=0)
    manifest_digest = models.CharField(max_length=71, blank=True)
    proved_version = models.PositiveBigIntegerField(
        default=0, help_text="The newest manifest this client is known to hold."
    )
    desired_generation = models.PositiveBigIntegerField(default=1)
    published_generation = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class DeviceQuerySet(models.QuerySet["Device"]):
    """Ways to pick devices."""

    def present(self) -> "DeviceQuerySet":
        """Devices that were not removed by their client."""
        return self.filter(removed_at=None)


class Device(models.Model):
    """A device behind a client; a gateway's children are devices too.

    `capabilities` is the document exactly as reported; `properties` and `reported_labels` are
    read from it; the database keeps `kind` in step with them. Assigned labels win over reported
    ones of the same key.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="devices")
    path = models.CharField("device id", max_length=500)
    vendor = models.CharField(max_length=200, blank=True)
    model_number = models.CharField(max_length=200, blank=True)
    serial_number = models.CharField(max_length=200, blank=True)
    capabilities = models.TextField(blank=True)
    capabilities_at = models.DateTimeField(null=True, blank=True)
    properties = models.JSONField(null=True, blank=True)
    reported_labels = models.JSONField(default=dict, blank=True)
    assigned_labels = models.JSONField(default=dict, blank=True)
    kind = models.GeneratedField(
        expression=KindOf("properties", "reported_labels"),
        output_field=models.TextField(null=True),
        db_persist=True,
    )
    failing = models.BooleanField(
        default=False, help_text="A workload on it was last reported as failed."
    )
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ("path",)
        constraints = (
            models.UniqueConstraint(fields=("client", "path"), name="one_device_per_client_path"),
        )

    def __str__(self) -> str:
        return self.path


class DeviceLabel(models.Model):
    """One value of an effective label, so that selectors are set-based SQL."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="labels")
    key = models.CharField(max_length=255)
    value = models.CharField(max_length=255)

    class Meta:
        indexes = (models.Index(fields=("key", "value", "device"), name="label_by_key_value"),)

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


class DeviceGroup(models.Model):
    """Devices an operator thinks of as one: explicit members plus an optional label selector."""

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True)
    members = models.ManyToManyField(Device, blank=True, related_name="groups")
    selector = models.CharField(
        "label selector",
        max_length=1000,
        blank=True,
        help_text="For example: site=berlin, line in (1, 2), !retired",
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
