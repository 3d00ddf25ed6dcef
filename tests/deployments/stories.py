"""What brings a deployment to each stage: people, the engine and devices, nothing by hand."""

from collections.abc import Callable

from accounts.models import User
from deployments import moves, submitting
from deployments.models import Deployment
from devices.models import Device
from tests.deployments import plant
from tests.deployments.plant import after

CANARY = {"kind": "canary", "canary_by": "count", "canary_count": 1}
ONE_BY_ONE = {"kind": "rolling", "batch_by": "size", "batch_size": 1}


def brought_to(stage: str, author: User | None = None) -> Deployment:
    """A deployment of two devices in this stage; "gate canary" and "gate batch" are the gates.

    What failed, runs or goes back is such that every action of the stage has something to do.
    """
    deployment = STORIES[stage](author)
    deployment.refresh_from_db()
    assert deployment.stage == stage.partition(" ")[0]
    return deployment


def _fail(device: Device, seconds: float) -> None:
    plant.poll(device, after(seconds))
    plant.fetch(device, after(seconds))
    plant.tell(device, "failed", error="disk full", now=after(seconds))


def _two() -> list[Device]:
    return [plant.a_device() for _ in range(2)]


def _draft(_author: User | None) -> Deployment:
    return plant.a_draft(_two())


def _awaiting_approval(author: User | None) -> Deployment:
    draft = plant.a_draft(_two())
    submitting.submit(draft, actor=author, now=plant.NOON, ask_approval=True)
    return draft


def _ready(_author: User | None) -> Deployment:
    return plant.a_ready_deployment(_two())


def _rolling(_author: User | None) -> Deployment:
    return plant.a_rollout(_two())


def _at_canary_gate(_author: User | None) -> Deployment:
    devices = _two()
    deployment = plant.a_rollout(devices, **CANARY)
    plant.install(devices[0])
    plant.tick(deployment)
    return deployment


def _at_batch_gate(_author: User | None) -> Deployment:
    devices = _two()
    deployment = plant.a_rollout(devices, **ONE_BY_ONE, batch_gate="manual")
    plant.install(devices[0])
    plant.tick(deployment)
    return deployment


def _held(_author: User | None) -> Deployment:
    devices = _two()
    deployment = plant.a_rollout(devices, **ONE_BY_ONE)
    _fail(devices[0], 1)
    plant.tick(deployment, after(1))
    return deployment


def _paused(author: User | None) -> Deployment:
    deployment = plant.a_rollout(_two())
    moves.pause(deployment, actor=author, now=after(1))
    return deployment


def _cancelling(author: User | None) -> Deployment:
    devices = _two()
    deployment = plant.a_rollout(devices)
    plant.poll(devices[0])
    plant.fetch(devices[0])
    moves.cancel(deployment, actor=author, now=after(1))
    plant.tick(deployment, after(1))
    return deployment


def _completed(_author: User | None) -> Deployment:
    devices = _two()
    deployment = plant.a_rollout(devices)
    plant.install(devices[0])
    _fail(devices[1], 1)
    plant.tick(deployment, after(1))
    return deployment


def _rolling_back(author: User | None) -> Deployment:
    """One of the devices could not be put back; the other has not come for it yet."""
    devices = _two()
    deployment = plant.a_rollout(devices)
    for device in devices:
        plant.install(device)
    moves.roll_back(deployment, actor=author, now=after(1))
    plant.tick(deployment, after(1))
    plant.poll(devices[0], after(2))
    plant.tell(devices[0], "failed", error="disk full", now=after(2))
    plant.tick(deployment, after(2))
    return deployment


def _rolled_back(author: User | None) -> Deployment:
    deployment = _rolling_back(author)
    moves.give_up_rest(deployment, actor=author, now=after(3))
    plant.tick(deployment, after(3))
    return deployment


def _cancelled(author: User | None) -> Deployment:
    devices = _two()
    deployment = plant.a_rollout(devices)
    plant.install(devices[0])
    moves.cancel(deployment, actor=author, now=after(1))
    plant.tick(deployment, after(1))
    return deployment


STORIES: dict[str, Callable[[User | None], Deployment]] = {
    "draft": _draft,
    "awaiting_approval": _awaiting_approval,
    "ready": _ready,
    "rolling": _rolling,
    "gate canary": _at_canary_gate,
    "gate batch": _at_batch_gate,
    "held": _held,
    "paused": _paused,
    "cancelling": _cancelling,
    "completed": _completed,
    "rolling_back": _rolling_back,
    "rolled_back": _rolled_back,
    "cancelled": _cancelled,
}
