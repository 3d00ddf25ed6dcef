"""What a request tells the verbs: who asks, and which plan the person was looking at."""

from django.http import HttpRequest

from accounts.models import User

#: A count that no deployment has.
NEVER = -1


def person(request: HttpRequest) -> User | None:
    """Who asks, as the verbs want to know it."""
    return request.user if isinstance(request.user, User) else None


def edits_shown(request: HttpRequest) -> int | None:
    """How often it had been edited when the posted form was shown; None if it does not say.

    What is no number is no count of any deployment, so the answer to it is never taken.
    """
    given = request.POST.get("edits")
    if given is None:
        return None
    number = number_in(given)
    return NEVER if number is None else number


def number_in(text: str) -> int | None:
    """The number that `text` writes in digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
