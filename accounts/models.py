"""People who use the portal."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person; what they may do follows from their one role (accounts.roles)."""

    class Theme(models.TextChoices):
        """How the portal looks to this person, in the words of the admin's own switch."""

        AUTO = "auto", "As the system has it"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    # The database fills both in, so that a version that does not know them can go on adding people.
    time_zone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Empty: the portal's own."
    )
    theme = models.CharField(max_length=8, choices=Theme.choices, default="auto", db_default="auto")

    class Meta(AbstractUser.Meta):
        permissions = (("use_portal", "Can sign in to the portal"),)
