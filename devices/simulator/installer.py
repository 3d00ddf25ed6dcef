"""What the devices of one client are doing: installing and removing over time, each for itself."""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from devices.simulator.desired import Manifest, Work
from devices.simulator.device import (
    Outcome,
    Step,
    choose_device,
    confirmation,
    impossible,
    installation,
    removal,
)
from devices.simulator.misbehaviour import habits
from devices.simulator.outbox import Outbox
from devices.simulator.state import Holding, Memory
from devices.simulator.surroundings import Surroundings

logger = logging.getLogger(__name__)


class Installer:
    """Carries out what the manifest asks of the devices of one client."""

    def __init__(
        self,
        client: str,
        devices: Sequence[str],
        memory: Memory,
        outbox: Outbox,
        around: Surroundings,
    ) -> None:
        self._client, self._devices = client, devices
        self._memory, self._outbox, self._around = memory, outbox, around
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def changes(self, manifest: Manifest) -> list[str]:
        """The ids of the deployments whose content is not yet wanted here."""
        holdings = self._memory.state.holdings
        return [
            deployment_id
            for deployment_id, digest in manifest.deployments.items()
            if (held := holdings.get(deployment_id)) is None
            or held.wanted != digest
            or held.leaving
        ]

    def adopt(self, manifest: Manifest, works: Iterable[Work]) -> None:
        """Make the manifest what is wanted: start the changed works, remove what it has left out.

        The new state is saved before anything begins (Margo: desired state).
        """
        state = self._memory.state
        started = [self._want(work, manifest) for work in works]
        left = [
            held
            for deployment_id, held in state.holdings.items()
            if deployment_id not in manifest.deployments and not held.leaving
        ]
        for held in left:
            held.leaving, held.settled, held.since = True, False, manifest.version
        state.manifest_version, state.etag = manifest.version, manifest.etag
        self._memory.touch()
        self._memory.save()
        for held in (*started, *left):
            self._start(held)

    def resume(self) -> None:
        """Take up again what an earlier run has left unfinished."""
        for held in list(self._memory.state.holdings.values()):
            if held.settled:
                continue
            if (outcome := self._journalled(held)) is not None:
                self._catch_up(held, outcome)
            else:
                self._start(held)

    async def stop(self) -> None:
        """Drop everything that is under way; it is resumed by the next run."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _journalled(self, held: Holding) -> Outcome | None:
        line = self._around.outcomes.get((self._client, held.work.deployment_id))
        if line is None or line.digest != held.wanted or (line.version or 0) < held.since:
            return None
        return Outcome(line.event)

    def _catch_up(self, held: Holding, outcome: Outcome) -> None:
        # The journal had the line, then a kill came before the state was saved.
        told = [step.report for step in self._steps(held) if step.outcome is outcome]
        self._settle(held, outcome)
        for report in filter(None, told):
            self._outbox.post(report, held.device or held.work.device_id)

    def _want(self, work: Work, manifest: Manifest) -> Holding:
        before = self._memory.state.holdings.get(work.deployment_id)
        held = Holding(
            work=work,
            device=choose_device(work, self._devices),
            wanted=manifest.deployments[work.deployment_id],
            since=manifest.version,
            installed=before.installed if before else None,
        )
        self._memory.state.holdings[work.deployment_id] = held
        return held

    def _start(self, held: Holding) -> None:
        deployment_id = held.work.deployment_id
        if running := self._tasks.pop(deployment_id, None):
            running.cancel()
        task = asyncio.create_task(self._follow(held, self._steps(held)))
        self._tasks[deployment_id] = task
        task.add_done_callback(lambda done: self._forget(deployment_id, done))

    def _forget(self, deployment_id: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(deployment_id) is done:
            del self._tasks[deployment_id]
        if not done.cancelled() and (error := done.exception()):
            logger.error("%s gave up on %s", self._client, deployment_id, exc_info=error)

    def _steps(self, held: Holding) -> list[Step]:
        options = self._around.options
        if held.device is None and not held.leaving:
            return impossible(held.work, self._client)
        device = held.device or held.work.device_id
        manners = habits(options.wrong, options.seed, held.work, device, held.wanted)
        if held.leaving:
            return removal(held.work, manners, options.pace)
        if held.installed == held.wanted:
            return confirmation(held.work, manners)
        return installation(held.work, manners, options.pace)

    async def _follow(self, held: Holding, steps: Sequence[Step]) -> None:
        device = held.device or held.work.device_id
        for step in steps:
            await asyncio.sleep(step.after_seconds)
            if step.outcome is not None:
                # The journal first: what it says is not done again by a run after a kill.
                self._note(held, device, step.outcome)
                self._settle(held, step.outcome)
            if step.report is not None:
                self._outbox.post(step.report, device)
            if step.outcome is not None:
                self._memory.save()

    def _settle(self, held: Holding, outcome: Outcome) -> None:
        held.settled = True
        if outcome is Outcome.INSTALLED:
            held.installed = held.wanted
        elif outcome is Outcome.DRIFTED:
            held.installed = None
        elif outcome is Outcome.REMOVED:
            del self._memory.state.holdings[held.work.deployment_id]
        self._memory.touch()

    def _note(self, held: Holding, device: str, outcome: Outcome) -> None:
        self._around.counts[outcome.value] += 1
        self._around.journal.write(
            outcome.value,
            self._client,
            device,
            deployment=held.work.deployment_id,
            digest=held.wanted,
            version=self._memory.state.manifest_version,
        )
