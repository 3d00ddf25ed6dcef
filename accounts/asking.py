"""Who asks, whether they may, and for which row: what pages want to know of a request."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from accounts.models import User

#: Digits of the greatest key that a database takes, whatever it is.
LONGEST_KEY = 18


def person(request: HttpRequest) -> User:
    """Who asks; pages behind the sign-in only."""
    assert isinstance(request.user, User)
    return request.user


def require(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied for whoever lacks the permission."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def is_key(text: str) -> bool:
    """Whether a row can have this key."""
    return text.isdecimal() and len(text) <= LONGEST_KEY


def key(object_id: str) -> int:
    """The key in an address of the admin; raises Http404 for what is none."""
    if not is_key(object_id):
        raise Http404
    return int(object_id)
