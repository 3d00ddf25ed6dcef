"""The modelled fleet: clients and devices that know nothing but the bytes they were given.

Each keeps its own truth: which manifest it holds, what it really runs, and what it said.
"""

from dataclasses import dataclass, field
from typing import Protocol

from tests.simulation.reading import Document, Entry, ReadManifest

#: Phases in which a device has nothing more to do for a digest.
OVER = frozenset({"done", "failed", "drifted"})
#: Manifests ahead of what was published that a liar claims.
LIE = 7


@dataclass
class Unit:
    """A device: its mood decides how it behaves, `runs` is what is really on it."""

    index: int
    path: str
    mood: str = "quick"
    away: bool = False
    runs: dict[str, Document | None] = field(default_factory=dict)
    #: Digests that it really installed at some time.
    installed: set[str] = field(default_factory=set)
    #: It claimed something that was not so, or cannot tell what its reports are about.
    untrusted: bool = False
    #: Something it said before was said again later.
    muddled: bool = False


@dataclass
class Work:
    """What a client does about one deployment id."""

    entry: Entry
    version: int
    phase: str = "new"
    document: Document | None = None


@dataclass(frozen=True)
class Said:
    """A status report as it was made, which is not always when it arrives."""

    uid: str
    state: str
    adopted: int | None
    error: str
    unit: int


class Portal(Protocol):
    """What a client can ask of the portal."""

    def poll(self, edge: "Edge") -> ReadManifest | None:
        """The manifest; None when it is the one that the client holds."""

    def fetch(self, edge: "Edge", entry: Entry) -> Document:
        """One document."""

    def tell(self, edge: "Edge", said: Said) -> None:
        """A status report."""

    def order(self, uids: list[str]) -> list[str]:
        """The same ids, in an order that does not depend on how they were drawn."""


@dataclass
class Edge:
    """A client with the devices behind it."""

    index: int
    name: str
    units: list[Unit]
    online: bool = True
    accepted: bool = True
    #: In the middle of a visit; a client is one process.
    busy: bool = False
    version: int = 0
    etag: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)
    bundle: str = ""
    work: dict[str, Work] = field(default_factory=dict)
    where: dict[str, Unit] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    outbox: list[Said] = field(default_factory=list)
    #: Sent, and the answer did not come: sent again until it does.
    unanswered: list[Said] = field(default_factory=list)

    @property
    def reachable(self) -> bool:
        """Whether it can talk to the portal."""
        return self.online and self.accepted

    def act(self, portal: Portal) -> None:
        """One visit: asks for the manifest, and does a little or all of what it wants."""
        if not self.reachable or self.busy:
            return
        self.busy = True
        try:
            self._visit(portal)
        finally:
            self.busy = False

    def _visit(self, portal: Portal) -> None:
        for said in self.unanswered[:]:
            self._send(portal, said)
        if (manifest := portal.poll(self)) is not None:
            self.version, self.bundle = manifest.version, manifest.bundle
            self.entries = manifest.entries
        for uid in portal.order(list({*self.entries, *self.work})):
            unit = self.where.get(uid, self.units[0])
            if unit.away:
                continue
            for _ in range(4 if unit.mood not in {"good", "hang"} else 1):
                if not self._go_on(portal, uid, unit):
                    break
                unit = self.where.get(uid, unit)

    def flush(self, portal: Portal, *, backwards: bool = False) -> None:
        """Sends what was kept back."""
        if not self.reachable or self.busy:
            return
        waiting = self.outbox[::-1] if backwards else self.outbox[:]
        for said in waiting:
            self.outbox.remove(said)
            portal.tell(self, said)

    def forgive(self) -> None:
        """Started anew: what failed here or was lost is tried once more."""
        for work in self.work.values():
            if work.phase in {"failed", "drifted"}:
                work.phase = "fetched" if work.document else "new"
            if work.phase == "stuck":
                work.phase = "leaving"

    def _go_on(self, portal: Portal, uid: str, unit: Unit) -> bool:
        """Does the next thing about one deployment; False when there is nothing to do now."""
        entry, work = self.entries.get(uid), self.work.get(uid)
        if entry is None:
            return work is not None and self._remove(portal, uid, work, unit)
        if work is None or work.entry.digest != entry.digest or work.phase in {"leaving", "stuck"}:
            work = self.work[uid] = Work(entry, self.version)
        work.version = self.version
        return _PHASES[work.phase](self, portal, work, unit)

    def _begin(self, portal: Portal, work: Work, unit: Unit) -> bool:
        if unit.mood == "liar":
            self._say(portal, work, unit, "installed", lie=LIE)
            return False
        if unit.mood == "pretender":
            # It does not know yet which of its devices this is for.
            for one in self.units:
                one.untrusted = True
            self._say(portal, work, unit, "installed")
            return False
        if unit.mood == "lazy":
            return False
        if unit.mood == "reject":
            work.phase = "failed"
            self._say(portal, work, unit, "failed", "No room for it")
            return False
        document = portal.fetch(self, work.entry)
        if unit.mood == "lossy":
            # The answer does not arrive, however often it asks.
            return False
        work.document = document
        work.phase = "fetched"
        path = work.document.device
        self.where[work.entry.uid] = next(one for one in self.units if one.path == path)
        return True

    def _install(self, portal: Portal, work: Work, unit: Unit) -> bool:
        work.phase = "installing"
        self._say(portal, work, unit, "installing")
        return True

    def _end(self, portal: Portal, work: Work, unit: Unit) -> bool:
        assert work.document is not None
        if unit.mood == "hang":
            return False
        bad = unit.mood in {"fail", "broken"} or (
            unit.mood == "flaky" and not work.document.attempt
        )
        if bad:
            work.phase = "failed"
            if unit.mood == "broken":
                unit.runs[work.document.application] = None
            self._say(portal, work, unit, "failed", "It did not start")
            return False
        work.phase = "done"
        unit.runs[work.document.application] = work.document
        unit.installed.add(work.entry.digest)
        self._say(portal, work, unit, "installed")
        return unit.mood in {"drift", "gone"}

    def _after(self, portal: Portal, work: Work, unit: Unit) -> bool:
        assert work.document is not None
        if unit.mood in {"drift", "gone"}:
            work.phase = "drifted"
            unit.runs[work.document.application] = None
            state = "failed" if unit.mood == "drift" else "removed"
            self._say(portal, work, unit, state, "It stopped" if state == "failed" else "")
        return False

    def _failed(self, portal: Portal, work: Work, unit: Unit) -> bool:
        return False

    def _remove(self, portal: Portal, uid: str, work: Work, unit: Unit) -> bool:
        work.version = self.version
        if self._knows_nothing_of(uid, work, unit):
            del self.work[uid]
            return False
        if work.phase == "stuck":
            return False
        if work.phase != "leaving":
            work.phase = "leaving"
            self._say(portal, work, unit, "removing")
            return True
        if unit.mood == "hang":
            return False
        if unit.mood in {"fail", "broken"}:
            work.phase = "stuck"
            self._say(portal, work, unit, "failed", "It did not go away")
            return False
        if work.document is not None:
            unit.runs[work.document.application] = None
        for application, document in unit.runs.items():
            if document is not None and document.uid == uid:
                unit.runs[application] = None
        del self.work[uid]
        self._say(portal, work, unit, "removed")
        return False

    def _knows_nothing_of(self, uid: str, work: Work, unit: Unit) -> bool:
        """Whether all it ever had of it was a line in a manifest: it keeps silent about its end."""
        running = any(document and document.uid == uid for document in unit.runs.values())
        spoke = any(said.uid == uid for said in [*self.said, *self.outbox])
        return work.phase == "new" and not running and not spoke

    def _say(
        self, portal: Portal, work: Work, unit: Unit, state: str, error: str = "", lie: int = 0
    ) -> None:
        adopted = None if unit.mood == "old" else work.version + lie
        said = Said(work.entry.uid, state, adopted, error, unit.index)
        if adopted is None:
            unit.untrusted = True
        if unit.mood == "mute":
            self.outbox.append(said)
            return
        self.said.append(said)
        self.unanswered.append(said)
        self._send(portal, said)

    def _send(self, portal: Portal, said: Said) -> None:
        portal.tell(self, said)
        self.unanswered.remove(said)


_PHASES = {
    "new": Edge._begin,
    "fetched": Edge._install,
    "installing": Edge._end,
    "done": Edge._after,
    "failed": Edge._failed,
    "drifted": Edge._failed,
}
