"""One client's loop: announce its devices, deliver reports, poll for what is wanted."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

from devices.simulator.desired import (
    MANIFEST_TYPE,
    ContentRefusedError,
    Manifest,
    Work,
    read_manifest,
)
from devices.simulator.fetching import fetch_bundle, fetch_documents, takes_bundle
from devices.simulator.installer import Installer
from devices.simulator.misbehaviour import absence, chance
from devices.simulator.outbox import Outbox
from devices.simulator.profiles import capabilities
from devices.simulator.state import Memory, state_path
from devices.simulator.surroundings import Surroundings
from devices.simulator.trust import Identity, ServerRefusedError, client_context
from devices.simulator.wire import Answer, BusyError, UnreachableError, Wire

_JITTER = 0.2
_LONGEST_REST_SECONDS = 300.0
_REDIRECTS = (301, 302, 303, 307, 308)


class Client:
    """A Margo client and the devices it speaks for, in the order in which they are announced."""

    def __init__(self, identity: Identity, devices: list[str], around: Surroundings) -> None:
        """Take up the client where its saved state left it. Raises StateError."""
        options = around.options
        self.name = identity.client_id
        self._identity, self._devices, self._around = identity, devices, around
        self._memory = Memory(state_path(options.fleet, self.name))
        self._wire = Wire(
            options.endpoint, identity, self._tls, around.gate, keep_alive=options.keep_alive
        )
        self._outbox = Outbox(self.name, self._memory, around)
        self._installer = Installer(self.name, devices, self._memory, self._outbox, around)
        self._absence = absence(options.wrong, options.seed, self.name)
        self._unannounced = list(devices)
        self._context: ssl.SSLContext | None = None
        self._polls = 0
        self._not_before = 0.0
        self._troubled = False
        self._known_troubles: set[str] = set()

    async def live(self) -> None:
        """Go on until cancelled."""
        options = self._around.options
        # Not all at once: a fleet that starts is spread over one poll interval.
        await asyncio.sleep(options.poll_seconds * chance(options.seed, "start", self.name))
        self._installer.resume()
        try:
            while True:
                await self._attempt(self._visit)
                await self._rest()
        finally:
            await self._installer.stop()
            self._memory.save()
            self._wire.close()

    async def _rest(self) -> None:
        """Wait for the next poll; what the devices report meanwhile is delivered at once."""
        due = monotonic() + self._interval_seconds()
        while (left_seconds := max(due, self._not_before) - monotonic()) > 0:
            if self._troubled:
                await asyncio.sleep(left_seconds)
            elif await self._outbox.filled(left_seconds):
                await self._attempt(self._deliver)

    def _interval_seconds(self) -> float:
        options = self._around.options
        self._polls += 1
        swing = chance(options.seed, "poll", self.name, str(self._polls)) * 2 - 1
        return options.poll_seconds * (1 + _JITTER * swing)

    async def _attempt(self, action: Callable[[], Awaitable[None]]) -> None:
        """Do something with the server unless this client is away; trouble is noted, not raised."""
        self._troubled = True
        if self._absence and self._absence.covers(self._around.elapsed_seconds()):
            self._note_trouble("offline", "The client is offline.")
            return
        try:
            await action()
        except ServerRefusedError as refusal:
            self._note_trouble("refused", str(refusal))
        except BusyError as busy:
            self._not_before = monotonic() + min(busy.retry_after_seconds, _LONGEST_REST_SECONDS)
            self._note_trouble("unreachable", str(busy), busy.status)
        except UnreachableError as error:
            self._note_trouble("unreachable", str(error))
        else:
            self._troubled = False
        finally:
            self._memory.save()

    async def _visit(self) -> None:
        await self._announce()
        await self._deliver()
        await self._poll()

    async def _deliver(self) -> None:
        await self._outbox.deliver(self._ask)

    async def _announce(self) -> None:
        """Report capabilities, a gateway before its children (Margo: device capabilities).

        What is forbidden is tried again at the next visit: the operator may yet accept the client.
        """
        while self._unannounced:
            device = self._unannounced[0]
            answer = await self._ask(
                "PUT",
                f"/api/v1/capabilities/{device}",
                {"Content-Type": "application/json"},
                self._capabilities(device),
            )
            if answer.status == 403:
                self._note_trouble("refused", "The capabilities were refused.", 403)
                return
            self._unannounced.pop(0)
            self._around.journal.write("announced", self.name, device, status=answer.status)

    def _capabilities(self, device: str) -> bytes:
        options = self._around.options
        gateway = len(self._devices) > 1 and device == self.name
        document = capabilities(device, options.mix, options.seed, hosts=not gateway)
        return json.dumps(document).encode()

    async def _poll(self) -> None:
        etag = self._memory.state.etag
        condition = {"If-None-Match": etag} if etag else {}
        answer = await self._ask(
            "GET", "/api/v1/deployments", {"Accept": MANIFEST_TYPE, **condition}
        )
        self._around.counts["polls"] += 1
        if answer.status == 200:
            await self._take_up(answer)
        elif answer.status == 304:
            self._around.counts["unchanged"] += 1
            self._known_troubles.clear()
        else:
            self._note_trouble("refused", "The manifest was refused.", answer.status)

    async def _take_up(self, answer: Answer) -> None:
        try:
            manifest = self._manifest(answer)
            works = await self._fetch(manifest)
        except ContentRefusedError as refusal:
            self._note_trouble("refused", str(refusal))
        else:
            self._installer.adopt(manifest, works)
            self._known_troubles.clear()

    def _manifest(self, answer: Answer) -> Manifest:
        manifest = read_manifest(
            answer.body,
            content_type=answer.headers.get("content-type"),
            etag=answer.headers.get("etag"),
            stored_version=self._memory.state.manifest_version,
        )
        self._around.journal.write(
            "manifest",
            self.name,
            digest=manifest.etag.strip('"'),
            version=manifest.version,
            status=answer.status,
        )
        return manifest

    async def _fetch(self, manifest: Manifest) -> list[Work]:
        changed = self._installer.changes(manifest)
        options = self._around.options
        if changed and takes_bundle(options.fetch, options.bundle_threshold, len(changed)):
            works = await fetch_bundle(self._ask, manifest, changed)
        else:
            works = await fetch_documents(self._ask, manifest, changed)
        for work in works:
            self._around.counts["fetched"] += 1
            self._around.journal.write(
                "fetched",
                self.name,
                work.device_id,
                deployment=work.deployment_id,
                digest=manifest.deployments[work.deployment_id],
                version=manifest.version,
            )
        return works

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        answer = await self._wire.ask(method, path, headers, body)
        # Neither an answer nor a refusal: 429, 5xx, and a redirect, which Margo does not know.
        if answer.status >= 500 or answer.status == 429 or answer.status in _REDIRECTS:
            raise BusyError(answer)
        return answer

    def _tls(self) -> ssl.SSLContext:
        # A kept connection needs its context once; 23 KiB a client are worth saving.
        if self._around.options.keep_alive:
            return client_context(self._identity, self._around.anchors)
        if self._context is None:
            self._context = client_context(self._identity, self._around.anchors)
        return self._context

    def _note_trouble(self, event: str, reason: str, status: int | None = None) -> None:
        self._around.counts[event] += 1
        # The same trouble at every poll is one line, or a long outage would fill the disk.
        if reason not in self._known_troubles:
            self._around.journal.write(event, self.name, reason=reason, status=status)
            self._known_troubles.add(reason)
