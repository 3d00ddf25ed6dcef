"""A real deployment in each stage of its life, brought there by people, devices and the engine."""

from collections.abc import Callable, Iterable
from datetime import datetime

from applications.models import ApplicationVersion
from deployments import moves, submitting
from deployments.models import Deployment
from deployments.states import Stage
from devices.models import Device
from tests.deployments import plant

#: A canary of one device, then batches of two; somebody opens every gate.
BY_HAND = {
    "kind": "canary_rolling",
    "canary_by": "count",
    "canary_count": 1,
    "canary_gate": "manual",
    "batch_by": "size",
    "batch_size": 2,
    "batch_gate": "manual",
}


def fail(device: Device, error: str = "image pull failed", now: datetime | None = None) -> None:
    """The device fetches it, tries, and reports a failure."""
    now = now or plant.NOON
    plant.poll(device, now)
    plant.fetch(device, now)
    plant.tell(device, "failed", error=error, now=now)


def install(devices: Iterable[Device]) -> None:
    """Each of them does all that a good device does."""
    for device in devices:
        plant.install(device, plant.NOON)


def some(number: int) -> list[Device]:
    """So many devices of their own."""
    return [plant.a_device() for _ in range(number)]


def draft(version: ApplicationVersion) -> Deployment:
    """Nothing is frozen yet."""
    return plant.a_draft(some(1), version)


def awaiting_approval(version: ApplicationVersion) -> Deployment:
    """Its author asked for approval."""
    made = plant.a_draft(some(3), version)
    submitting.submit(made, actor=None, now=plant.NOON, ask_approval=True)
    return made


def ready(version: ApplicationVersion) -> Deployment:
    """Submitted, not started."""
    return plant.a_ready_deployment(some(1), version)


def rolling(version: ApplicationVersion) -> Deployment:
    """Released to its devices."""
    return plant.a_rollout(some(1), version)


def at_canary_gate(version: ApplicationVersion) -> Deployment:
    """The canary is well and waits for somebody to promote it."""
    devices = some(5)
    rollout = plant.a_rollout(devices, version, **BY_HAND)
    install(devices[:1])
    plant.tick(rollout)
    return rollout


def at_batch_gate(version: ApplicationVersion) -> Deployment:
    """The first batch after the canary is well and waits for somebody to approve it."""
    rollout = at_canary_gate(version)
    to_batch_gate(rollout)
    return rollout


def to_batch_gate(rollout: Deployment) -> None:
    """Somebody promotes the canary, and the batch that follows is well."""
    rollout.refresh_from_db()
    moves.promote_canary(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    install(Device.objects.filter(instances__deployment=rollout, instances__state="pending"))
    plant.tick(rollout)


def held(version: ApplicationVersion) -> Deployment:
    """The canary failed, and none may."""
    devices = some(5)
    rollout = plant.a_rollout(devices, version, **BY_HAND)
    fail(devices[0])
    plant.tick(rollout)
    return rollout


def paused(version: ApplicationVersion) -> Deployment:
    """Somebody paused it while a device was installing."""
    devices = some(3)
    rollout = plant.a_rollout(devices, version, kind="rolling", batch_by="size", batch_size=2)
    plant.poll(devices[0])
    plant.fetch(devices[0])
    moves.pause(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    return rollout


def cancelling(version: ApplicationVersion) -> Deployment:
    """A device that has fetched it may still finish."""
    devices = some(2)
    rollout = plant.a_rollout(devices, version)
    plant.poll(devices[0])
    plant.fetch(devices[0])
    moves.cancel(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    return rollout


def completed(version: ApplicationVersion) -> Deployment:
    """Its device has installed it."""
    devices = some(1)
    rollout = plant.a_rollout(devices, version)
    install(devices)
    plant.tick(rollout)
    return rollout


def completed_with_failures(version: ApplicationVersion) -> Deployment:
    """One device installed it, one failed."""
    devices = some(2)
    rollout = plant.a_rollout(devices, version)
    install(devices[:1])
    fail(devices[1])
    plant.tick(rollout)
    return rollout


def rolling_back(version: ApplicationVersion) -> Deployment:
    """Two devices are to lose it again; one has not come for that yet."""
    devices = some(2)
    rollout = plant.a_rollout(devices, version)
    install(devices)
    plant.tick(rollout)
    moves.roll_back(rollout, actor=None, now=plant.NOON, reason="wrong recipe")
    plant.tick(rollout)
    plant.poll(devices[0])
    plant.tell(devices[0], "removed")
    plant.tick(rollout)
    return rollout


def rolled_back(version: ApplicationVersion) -> Deployment:
    """Every device lost it again."""
    devices = some(1)
    rollout = plant.a_rollout(devices, version)
    install(devices)
    plant.tick(rollout)
    moves.roll_back(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    plant.poll(devices[0])
    plant.tell(devices[0], "removed")
    plant.tick(rollout)
    return rollout


def rolled_back_with_failures(version: ApplicationVersion) -> Deployment:
    """Somebody gave up on a device that could not be put back."""
    rollout = rolling_back(version)
    moves.give_up_rest(rollout, actor=None, now=plant.NOON)
    plant.tick(rollout)
    return rollout


def cancelled(version: ApplicationVersion) -> Deployment:
    """Cancelled before it started."""
    made = plant.a_ready_deployment(some(1), version)
    moves.cancel(made, actor=None, now=plant.NOON)
    return made


#: By the name a test's report calls them, with the stage each must be in.
MADE: dict[str, tuple[Stage, Callable[[ApplicationVersion], Deployment]]] = {
    "draft": (Stage.DRAFT, draft),
    "awaiting approval": (Stage.AWAITING_APPROVAL, awaiting_approval),
    "ready": (Stage.READY, ready),
    "rolling": (Stage.ROLLING, rolling),
    "at the canary's gate": (Stage.GATE, at_canary_gate),
    "at a batch's gate": (Stage.GATE, at_batch_gate),
    "held": (Stage.HELD, held),
    "paused": (Stage.PAUSED, paused),
    "cancelling": (Stage.CANCELLING, cancelling),
    "completed": (Stage.COMPLETED, completed),
    "completed with failures": (Stage.COMPLETED, completed_with_failures),
    "rolling back": (Stage.ROLLING_BACK, rolling_back),
    "rolled back": (Stage.ROLLED_BACK, rolled_back),
    "rolled back with failures": (Stage.ROLLED_BACK, rolled_back_with_failures),
    "cancelled": (Stage.CANCELLED, cancelled),
}


def in_each_stage() -> dict[str, Deployment]:
    """One in every stage, all of the same version."""
    version = plant.a_version()
    found = {name: make(version) for name, (_, make) in MADE.items()}
    wrong = {name: one.stage for name, one in found.items() if one.stage != MADE[name][0]}
    assert not wrong, wrong
    return found
