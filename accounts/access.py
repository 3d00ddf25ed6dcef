"""Who is told when a person may do other things than before, such as pages that are still open."""

from collections.abc import Callable
from functools import partial

from django.db import transaction

#: Takes the person's key; called after the change is committed, in the thread that made it.
Listener = Callable[[int], None]

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Let `listener` know of each change from now on."""
    _listeners.append(listener)


def changed(user_pk: int) -> None:
    """Tell everybody who listens, once the change is committed; nothing of theirs can undo it."""
    for listener in _listeners:
        transaction.on_commit(partial(listener, user_pk), robust=True)
