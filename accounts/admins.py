"""There is always an admin who can sign in, once there was one."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.roles import Role


class LastAdminError(Exception):
    """The change would leave nobody who can say who may do what."""

    def __init__(self) -> None:
        super().__init__("Nobody else is an admin who can sign in: make somebody one first.")


@contextmanager
def keeping_an_admin() -> Iterator[None]:
    """Wraps a change of who may do what; undoes it and raises LastAdminError after the last admin.

    A portal that never had an admin may go on without one: people can be added in any order.
    """
    with transaction.atomic():
        # All such changes queue here, or two admins who demote each other at the same moment
        # would each still see the other. No key: who merely joins the group need not wait.
        Group.objects.select_for_update(no_key=True).get(name=Role.ADMIN.value)
        had_one = admins().exists()
        yield
        if had_one and not admins().exists():
            raise LastAdminError


def admins() -> QuerySet[User]:
    """Everybody who can sign in as an admin."""
    return User.objects.filter(
        Q(groups__name=Role.ADMIN.value) | Q(is_superuser=True), is_active=True
    ).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
