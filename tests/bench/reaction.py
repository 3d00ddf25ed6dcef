"""How long it takes from a report to what must follow, with a worker and a beat beside it."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

from deployments import events, moves, publishing, reports
from deployments.models import Deployment, Instance, Revision, Workload
from deployments.moves import restoring
from deployments.states import Stage, State, Status
from devices.models import Client, Device
from tests.bench import fleet
from tests.bench.timing import Row
from tests.deployments import plant
from tests.e2e.running import ROOT

#: Between two looks of whoever waits.
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 120
#: So many clients ask for their desired state while a rollback runs.
ASKING = 50
#: Devices of the small deployment: the first half is released, so that there is a rest to hold.
FEW = 10


def breach(size: int, in_flight: int) -> list[Row]:
    """From the commit of the report that is one too many until every poll gets the rollback."""
    app = f"press-{size}"
    before = fleet.ran_before(plant.a_version("1.0.0", app_id=app), fleet.first(size, in_flight))
    rollout = fleet.draft(
        plant.a_version("2.0.0", app_id=app),
        fleet.everybody(size),
        kind="canary",
        canary_by="count",
        canary_count=in_flight,
        rollback_count=0,
        install_timeout_seconds=86_400,
    )
    fleet.start(rollout)
    fleet.tick_until_idle(rollout)
    fleet.poll_all(rollout)
    flying = Instance.objects.filter(deployment=rollout, state=State.PENDING)
    assert flying.count() == in_flight
    first, *asking = flying.order_by("device__client")[:: in_flight // ASKING]
    fail(first)
    begun = time.monotonic()
    until(lambda: gets_back(asking[-1], before), "the rollback at one client")
    decided = time.monotonic() - begun
    # From now on whoever asks must get it, while the engine is still at the others.
    waits = [asked(one, before) for one in reversed(asking[:-1])]
    left = restoring.sent(rollout)
    until(lambda: not left.exists(), "the end of the putting back")
    done = time.monotonic() - begun
    what = f"breach to rollback, {in_flight} in flight"
    return [
        {
            "what": f"{what}: every poll gets it from, s",
            "measured": f"{decided:.3f}",
            "aim": "<= 1",
        },
        {
            "what": f"… the {len(waits)} polls that follow: median / slowest, s",
            "measured": f"{median(waits):.3f} / {max(waits):.3f}",
        },
        {"what": "… the engine has put back those that did not ask, s", "measured": f"{done:.3f}"},
    ]


def asked(instance: Instance, before: Deployment) -> float:
    """Seconds that a poll takes, which must answer what ran before."""
    begun = time.monotonic()
    assert gets_back(instance, before), "A poll after the rollback did not get it."
    return time.monotonic() - begun


def gets_back(instance: Instance, before: Deployment) -> bool:
    """Polls as the device's client; whether the manifest has what ran before."""
    client = Client.objects.get(devices=instance.device_id)
    published = publishing.manifest_for(client, now=datetime.now(UTC))
    wanted = Revision.objects.get(wanted_by=instance.workload_id)
    if wanted.restores_id is None:
        return False
    assert wanted.restores.deployment_id == before.pk
    assert wanted.digest.encode() in published.body
    return True


def fail(instance: Instance) -> None:
    """The device reports a failure; it is committed when this returns."""
    client = Client.objects.get(devices=instance.device_id)
    uid = str(Workload.objects.get(pk=instance.workload_id).uid)
    report = reports.Report(Status.FAILED, client.manifest_version, error="Broken")
    reports.receive(client, uid, report, now=datetime.now(UTC))


def undisturbed(size: int) -> list[Row]:
    """The reaction of a small deployment, alone and while a large one is made and released."""
    devices = list(Device.objects.filter(client__name__startswith=f"fleet-{size}-")[:FEW])
    alone = [held_after(devices, f"alone-{size}-{one}") for one in range(5)]
    script = [sys.executable, "-m", "tests.bench.large", str(size)]
    large = subprocess.Popen(script, cwd=ROOT)
    beside: list[float] = []
    while large.poll() is None or len(beside) < 3:
        beside.append(held_after(devices, f"beside-{size}-{len(beside)}"))
    assert large.returncode == 0, "The large deployment failed."
    return [
        {
            "what": f"report to held, alone: median of {len(alone)}, s",
            "measured": f"{median(alone):.3f}",
            "aim": "<= 1",
        },
        {
            "what": f"report to held, beside a deployment of {size}: median of {len(beside)}, s",
            "measured": f"{median(beside):.3f}",
            "aim": "<= 1",
        },
        {
            "what": f"report to held, beside a deployment of {size}: slowest, s",
            "measured": f"{max(beside):.3f}",
            "aim": "<= 1",
        },
    ]


def held_after(devices: list[Device], app: str) -> float:
    """Seconds from the report of a failure until the deployment is held."""
    small = fleet.draft(
        plant.a_version(app_id=app),
        {"ids": [device.pk for device in devices]},
        kind="rolling",
        batch_by="size",
        batch_size=FEW // 2,
        max_failures=0,
    )
    fleet.start(small)
    flying = Instance.objects.filter(deployment=small, state=State.PENDING)
    until(lambda: flying.count() == FEW // 2, "the first batch")
    one = flying[0]
    client = Client.objects.get(devices=one.device_id)
    publishing.manifest_for(client, now=datetime.now(UTC))
    fail(one)
    begun = time.monotonic()
    mine = Deployment.objects.filter(pk=small.pk)
    until(lambda: mine.filter(stage=Stage.HELD).exists(), "the hold")
    took = time.monotonic() - begun
    small.refresh_from_db()
    moves.cancel(small, actor=None, now=datetime.now(UTC))
    events.nudge(small.pk)
    return took


def until(answers: Callable[[], object], what: str) -> None:
    """Look again and again until it answers something true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not answers():
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_SECONDS} s"
        time.sleep(LOOK_SECONDS)
