"""The devices of a portal that is under test, played by a process that stays."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.e2e.running import ROOT, Portal

#: For `manage.py shell -c`: every line that comes in is a program, every line that goes out an end.
STAY = """
import json, sys
for line in sys.stdin:
    exec(json.loads(line), {})
    print("done", flush=True)
"""
#: What every program begins with; devices are named by the deployment that they are part of.
SCENE = """
from django.utils import timezone
from deployments.models import Instance
from tests.deployments import plant
now = timezone.now()
def those(deployment, *states):
    found = Instance.objects.filter(deployment__name=deployment, state__in=states)
    return [one.device for one in found.select_related("device").order_by("position")]
"""


class Cast:
    """Plays devices against the portal's database; no act has to wait for Python to start."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def play(self, program: str) -> None:
        """Run a program to its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(SCENE + program) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n", "the process's log says what went wrong"

    def install(self, deployment: str, *states: str) -> None:
        """Its devices in these states do all that good devices do."""
        self.play(f"for one in those({deployment!r}, *{states!r}): plant.install(one, now)")

    def fail(self, deployment: str, error: str) -> None:
        """The first device that it was released to fetches it and fails."""
        self.play(
            f"device = those({deployment!r}, 'pending')[0]\n"
            "plant.poll(device, now)\n"
            "plant.fetch(device, now)\n"
            f"plant.tell(device, 'failed', error={error!r}, now=now)"
        )


@contextmanager
def acting(running: Portal) -> Iterator[Cast]:
    """Somebody who plays the devices of this portal."""
    log = running.folder / "cast.log"
    running.log.append(log)
    with (
        log.open("w") as said,
        subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", STAY],
            cwd=ROOT,
            env=running.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        yield Cast(process)
        with suppress(BrokenPipeError):
            process.communicate(timeout=15)
