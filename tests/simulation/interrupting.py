"""Processes that die between two statements, and others that do something in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection


class DiedError(BaseException):
    """The process is gone; nothing may catch this."""


class Interruption:
    """Counts the statements of a doing, and ends it or does something else before one of them.

    The world lives in one transaction that is thrown away: what is written outside of `atomic`
    stays, as in autocommit, and an `atomic` block is a savepoint that the death rolls back. A
    dead process says nothing more, not even in a `finally`.
    """

    def __init__(self, at: int, instead: Callable[[], None] | None = None) -> None:
        self.at, self.instead = at, instead
        self.seen = 0
        self.depth = len(connection.savepoint_ids)
        self.over = self.dead = self.paused = False

    def __call__(self, execute, sql, params, many, context):
        """Before each statement."""
        if self.paused or "SAVEPOINT" in sql[:24]:
            return execute(sql, params, many, context)
        if self.dead:
            raise DiedError
        self.seen += 1
        if self.seen >= self.at and not self.over:
            self._strike()
        return execute(sql, params, many, context)

    def _strike(self) -> None:
        if self.instead is None:
            self.over = self.dead = True
            raise DiedError
        # Somebody else can see and change only what is committed: not inside `atomic`.
        if len(connection.savepoint_ids) == self.depth:
            self.over = self.paused = True
            self.instead()
            self.paused = False

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Statements of the simulation itself neither count nor kill."""
        was, self.paused = self.paused, True
        try:
            yield
        finally:
            self.paused = was
