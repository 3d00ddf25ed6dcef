"""What stops a command, said in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import Error as DatabaseError

from devices.identity.errors import IdentityError
from devices.onboarding import OnboardingRefusedError


@contextmanager
def in_sentences() -> Iterator[None]:
    """Raises CommandError for a refusal, a database that is away, or a file nobody can write."""
    try:
        yield
    except (IdentityError, OnboardingRefusedError) as refusal:
        raise CommandError(str(refusal)) from refusal
    except DatabaseError as error:
        raise CommandError(
            f"The database cannot be used ({error}). Is it there, and was migrate run?"
        ) from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from error
