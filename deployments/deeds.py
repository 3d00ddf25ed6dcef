"""What is done to things, in the words of the history: one deed for each line of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db.models import Q

from accounts.look import Look
from deployments.states import Failure, Stage


@dataclass(frozen=True, slots=True)
class Deed:
    """How a deed looks, and by what its lines are known in the two tables that keep history.

    An event is known by its kind and by the stages it led from and to, where these are named; an
    entry of the admin's log by its flag.
    """

    look: Look
    kinds: frozenset[str] = frozenset()
    before: frozenset[Stage] = frozenset()
    after: frozenset[Stage] = frozenset()
    flags: frozenset[int] = frozenset()

    def tells_event(self, kind: str, before: str, after: str) -> bool:
        """Whether an event of this kind, from and to these stages, is such a deed."""
        wanted = ((self.before, before), (self.after, after))
        return kind in self.kinds and all(not named or one in named for named, one in wanted)

    def events(self) -> Q:
        """The same in SQL, over events."""
        found = Q(kind__in=sorted(self.kinds))
        if self.before:
            found &= Q(from_stage__in=sorted(self.before))
        return found & Q(to_stage__in=sorted(self.after)) if self.after else found


def _deed(
    tone: str,
    mark: str,
    words: str,
    *kinds: str,
    before: Iterable[Stage] = (),
    after: Iterable[Stage] = (),
    flags: Iterable[int] = (),
) -> Deed:
    look = Look(tone, mark, words)
    return Deed(look, frozenset(kinds), frozenset(before), frozenset(after), frozenset(flags))


MOVED = "moved"
WAITING = {Stage.AWAITING_APPROVAL}

#: In the order of the menu, by the name that stands in the address.
DEEDS: dict[str, Deed] = {
    "added": _deed("ok", "+", "Added", flags={ADDITION}),
    "changed": _deed("run", "✎", "Changed", flags={CHANGE}),
    "deleted": _deed("warn", "×", "Deleted", "deleted", flags={DELETION}),
    "submitted": _deed("run", "→", "Submitted", MOVED, before={Stage.DRAFT}),
    "approved": _deed("ok", "✓", "Approved", MOVED, before=WAITING, after={Stage.READY}),
    "denied": _deed("bad", "✕", "Denied", "denied"),
    "reopened": _deed("idle", "✎", "Opened again", MOVED, after={Stage.DRAFT}),
    "scheduled": _deed("run", "◷", "Scheduled", "scheduled"),
    "started": _deed("run", "▸", "Started", MOVED, before={Stage.READY}, after={Stage.ROLLING}),
    "not_started": _deed("bad", "✕", "Could not start", "start_refused"),
    "released": _deed("run", "▸", "Batch released", "released"),
    "batch_ended": _deed("idle", "■", "Batch ended", "batch_ended"),
    "batch_ended_badly": _deed("bad", "✕", "Batch ended with failures", "batch_ended_badly"),
    "at_gate": _deed("warn", "◆", "Waits to go on", MOVED, after={Stage.GATE}),
    "gate_opened": _deed("run", "▸", "Went on", MOVED, before={Stage.GATE}, after={Stage.ROLLING}),
    "held": _deed("bad", "!", "Held", MOVED, after={Stage.HELD}),
    "paused": _deed("warn", "‖", "Paused", MOVED, after={Stage.PAUSED}),
    "resumed": _deed(
        "run", "▸", "Resumed", MOVED, before={Stage.HELD, Stage.PAUSED}, after={Stage.ROLLING}
    ),
    "retried": _deed("run", "▸", "Tried again", "retried"),
    "failed": _deed("bad", "✕", "Failed", *(failure.value for failure in Failure)),
    "deferred": _deed("warn", "◷", "Not waited for", "deferred"),
    "taken_back": _deed("warn", "◌", "Taken back", "taken_back"),
    "cancelled": _deed("idle", "⊘", "Cancelled", MOVED, after={Stage.CANCELLING, Stage.CANCELLED}),
    "rolled_back": _deed("bad", "↺", "Rolled back", MOVED, after={Stage.ROLLING_BACK}),
    "restored": _deed("warn", "↩", "Put back", "restored", "nothing_to_remove"),
    "gave_up": _deed("warn", "⊘", "Gave up on the rest", "gave_up"),
    "ended": _deed("idle", "■", "Ended", MOVED, after={Stage.COMPLETED, Stage.ROLLED_BACK}),
    "ended_badly": _deed("bad", "✕", "Ended with failures", "ended_badly"),
}


def of_event(kind: str, before: str, after: str) -> Look:
    """The look of what an event tells."""
    tells = (deed for deed in DEEDS.values() if deed.tells_event(kind, before, after))
    return _first(tells, kind)


def of_entry(flag: int) -> Look:
    """The look of what an entry of the admin's log tells."""
    return _first((deed for deed in DEEDS.values() if flag in deed.flags), "changed")


def _first(deeds: Iterable[Deed], kind: str) -> Look:
    """The first deed's look; a kind that nobody named here still has its own word."""
    known = next(iter(deeds), None)
    return known.look if known else Look("idle", "•", kind.replace("_", " ").capitalize())
