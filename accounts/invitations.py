"""Invitations: a link with which somebody new sets a password, once, within a few days."""

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


class InvitationError(Exception):
    """There is nothing to invite to, or the link is void; `str()` says why in one sentence."""


class Tokens(PasswordResetTokenGenerator):
    """What makes a link of an invitation its own; django.contrib.auth signs it and lets it age.

    It covers the stored password. Where there is none to sign in with, Django stores a random text
    that fits nothing: with another text, every link of before is void.
    """

    key_salt = "accounts.invitations.Tokens"


tokens = Tokens()


def invited() -> QuerySet[User]:
    """Everybody who may sign in once they have set a password."""
    return User.objects.filter(is_active=True, password__startswith=UNUSABLE_PASSWORD_PREFIX)


def is_invited(user: User) -> bool:
    """Whether this person is one of them."""
    return user.is_active and not user.has_usable_password()


def invite(user: User) -> str:
    """A link for the person, nowhere stored; those made before are void from now on.

    Raises InvitationError for somebody who has a password, or who may not sign in.
    """
    user.set_unusable_password()
    # Guard in the UPDATE: a password that was set a moment ago must not be lost.
    if invited().filter(pk=user.pk).update(password=user.password) != 1:
        message = f"There is nothing to invite {user} to: they have a password, or are deactivated."
        raise InvitationError(message)
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin:welcome", args=[uid, tokens.make_token(user)])
    return f"{settings.LINESIDE_URL.rstrip('/')}{path}"


def accept(user: User, password: str) -> None:
    """Gives the person this password; raises InvitationError when the link is void by now."""
    stored = make_password(password)
    # Guard in the UPDATE: the second of two who use the link finds that nobody is invited.
    if invited().filter(pk=user.pk, password=user.password).update(password=stored) != 1:
        raise InvitationError("This invitation was used or taken back in this moment.")
    user.password = stored
