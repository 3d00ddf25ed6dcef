"""People who use the portal."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person; what they may do follows from their one role (accounts.roles)."""

    class Meta(AbstractUser.Meta):
        permissions = (("use_portal", "Can sign in to the portal"),)
