"""What can be rolled out: applications and their immutable versions, as imported."""

from collections.abc import Iterable
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.base import ModelBase


class Application(models.Model):
    """A catalogue entry, named by its Margo application id."""

    app_id = models.CharField("application id", max_length=200, unique=True)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "app_id")

    def __str__(self) -> str:
        return self.name


class ApplicationVersion(models.Model):
    """One version of an application, exactly as it was imported.

    Everything but `state` stays as it is for good: devices may run it, and what ran must stay
    explainable. The JSON columns hold what `applications.package` made of the raw bytes.
    """

    class State(models.TextChoices):
        """The life of a version; only an available one can be picked for a new deployment."""

        AVAILABLE = "available", "Available"
        DEPRECATED = "deprecated", "Deprecated"

    application = models.ForeignKey(Application, models.CASCADE, related_name="versions")
    version = models.CharField(max_length=128)
    state = models.CharField(max_length=16, choices=State.choices, default="available")
    raw = models.BinaryField()
    digest = models.CharField(max_length=71)
    api_version = models.CharField(max_length=64)
    description = models.TextField(blank=True)
    catalog = models.JSONField(default=dict)
    profiles = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    sections = models.JSONField(default=list)
    schemas = models.JSONField(default=dict)
    extensions = models.JSONField(default=dict)
    warnings = models.JSONField(default=list)
    imported_at = models.DateTimeField()
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-imported_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=("application", "version"), name="one_row_per_application_version"
            ),
        )

    MUTABLE: ClassVar[frozenset[str]] = frozenset({"state"})

    def __str__(self) -> str:
        return f"{self.application.name} {self.version}"

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Saves a new version; of an existing one only `state` (raises ValueError otherwise)."""
        fields = None if update_fields is None else frozenset(update_fields)
        if not self._state.adding and (fields is None or not fields <= self.MUTABLE):
            message = f"{self} is immutable: import a new version instead."
            raise ValueError(message)
        super().save(
            force_insert=force_insert,
            force_update=force_update,
            using=using,
            update_fields=fields,
        )

    def profile(self, profile_id: str) -> dict[str, object] | None:
        """The deployment profile with this id, as data."""
        found = (one for one in self.profiles if one["id"] == profile_id)
        return next(found, None)


class Resource(models.Model):
    """A file of the package that its description refers to: icon, description, licence, notes."""

    version = models.ForeignKey(ApplicationVersion, models.CASCADE, related_name="resources")
    kind = models.CharField(max_length=32)
    path = models.CharField(max_length=500)
    media_type = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("version", "kind"), name="one_resource_per_kind"),
        )

    def __str__(self) -> str:
        return self.path
