"""What a request tells the verbs: who asks, and which plan the person was looking at."""

from django.http import HttpRequest, QueryDict

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
    return _count_in(request, "edits")


def gate_shown(request: HttpRequest) -> int | None:
    """The number of the batch at whose gate it stood when the button was shown; None if unsaid."""
    return _count_in(request, "gate_batch")


def plan_shown(request: HttpRequest) -> str | None:
    """The digest of the plan that the person saw; None if the request does not say."""
    given = request.POST if request.method == "POST" else request.GET
    return given.get("plan")


def text_in(given: QueryDict, name: str) -> str:
    """A text that a form or an address brings, without space around it.

    A NUL is part of no text, and PostgreSQL keeps none.
    """
    return given.get(name, "").replace("\0", "").strip()


def _count_in(request: HttpRequest, name: str) -> int | None:
    given = request.POST.get(name)
    if given is None:
        return None
    number = number_in(given)
    return NEVER if number is None else number


def number_in(text: str) -> int | None:
    """The number that `text` writes in digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def numbers_in(text: str) -> list[int]:
    """The numbers in a list with commas; what is none is left out."""
    found = (number_in(part) for part in text.split(","))
    return [number for number in found if number is not None]
