"""Reports on their way: kept over restarts, in order, until the server has answered each."""

import asyncio
from collections.abc import Iterator

from devices.simulator.fetching import Ask
from devices.simulator.misbehaviour import chance
from devices.simulator.reports import Report, Style, body, encode
from devices.simulator.state import Memory, Sending
from devices.simulator.surroundings import Surroundings
from devices.simulator.wire import BusyError


class Outbox:
    """The reports of one client that the server has not answered yet."""

    def __init__(self, client: str, memory: Memory, around: Surroundings) -> None:
        self._client, self._memory, self._around = client, memory, around
        self._style = _style_of(client, around)
        self._filled = asyncio.Event()

    def post(self, report: Report, device: str) -> None:
        """Put a report of `device` at the end of the queue."""
        state = self._memory.state
        version = state.manifest_version - report.behind
        if version < 1:
            # There is no older version to be stale about.
            return
        child = device if device != self._client else None
        members = body(report, child=child, version=version, style=self._style)
        state.outbox.append(Sending(report.deployment_id, device, report.state, version, members))
        self._memory.touch()
        self._filled.set()

    async def filled(self, within_seconds: float) -> bool:
        """Wait until something was posted since the last delivery, but not for ever."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._filled.wait()
        except TimeoutError:
            return False
        return True

    async def deliver(self, ask: Ask) -> None:
        """Send everything, oldest first; what was answered with 4xx is dropped for good.

        Raises whatever `ask` raises; what was not answered stays in the queue.
        """
        self._filled.clear()
        for sending in self._oldest_first():
            path = f"/api/v1/deployments/{sending.deployment_id}/status"
            try:
                answer = await ask(
                    "POST", path, {"Content-Type": "application/json"}, encode(sending.body)
                )
            except BusyError as busy:
                self._note(sending, busy.status)
                raise
            self._memory.state.outbox.pop(0)
            self._memory.touch()
            self._note(sending, answer.status)

    def _oldest_first(self) -> Iterator[Sending]:
        while self._memory.state.outbox:
            yield self._memory.state.outbox[0]

    def _note(self, sending: Sending, status: int) -> None:
        self._around.counts["reported" if status < 300 else "refused"] += 1
        self._around.journal.write(
            "reported",
            self._client,
            sending.device,
            deployment=sending.deployment_id,
            version=sending.version,
            state=sending.state,
            status=status,
        )


def _style_of(client: str, around: Surroundings) -> Style:
    styles = around.options.report_styles
    return styles[int(chance(around.options.seed, "style", client) * len(styles))]
