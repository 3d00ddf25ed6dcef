"""The demo's fleet: a process of its own that lives no longer than the portal."""

import asyncio
import subprocess
import sys

from django.conf import settings

from devices.fleet_setup import start_fleet

# A plant in small: three sites, both kinds of workloads, and a version that not every device
# likes, so that failures can be seen as well.
FLAGS: dict[str, object] = {
    "quiet": True,
    "poll-seconds": 2,
    "architectures": "amd64,amd64,arm64",
    "deployment-types": "compose+helm,compose+helm,compose,helm",
    "label": ["site=berlin,graz,lyon", "line=1,2,3,4", "ring=canary,broad,broad,broad"],
    "slow": "0.1:4",
    "fail": ["version=4.1.0:0.15"],
}
_STOP_SECONDS = 2


class Fleet:
    """The simulator as a part beside the portal's own."""

    name = "simulated fleet"

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run the fleet until stopped; the portal goes on without one that has ended itself."""
        program = start_fleet(settings.DATA_DIR / "fleet", FLAGS)
        ended = asyncio.create_task(asyncio.to_thread(program.wait))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not self._stopping.is_set():
            sys.stderr.write("The simulated fleet has ended; the portal goes on without it.\n")
        await stopping
        await self._end(program, ended)

    def stop(self) -> None:
        """Let `run` end the fleet."""
        self._stopping.set()

    @staticmethod
    async def _end(program: "subprocess.Popen[bytes]", ended: "asyncio.Task[int]") -> None:
        if not ended.done():
            program.terminate()
        done, _ = await asyncio.wait([ended], timeout=_STOP_SECONDS)
        if not done:
            program.kill()
            await ended
