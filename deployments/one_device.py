"""One device goes back to what ran there before, by an ordinary deployment to it alone."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from deployments import approval, drafting, events, past, submitting, targeting
from deployments.drafting import ParameterError
from deployments.models import Deployment, Revision
from deployments.moves import MoveRefusedError, start
from deployments.past import WorkloadWithPast
from deployments.states import Stage
from devices.models import Client, Device

CHANGED = "What runs there changed since this was shown: look at it once more."


def revision_before(workload: WorkloadWithPast) -> Revision:
    """What the device would go back to; raises MoveRefusedError with the reason if it cannot."""
    _refuse_gone(workload.device)
    application, wanted = workload.application, workload.wanted
    if wanted is None or wanted.removal:
        raise MoveRefusedError(f"{application} is not meant to run on {workload.device} any more.")
    if workload.before is None:
        raise MoveRefusedError(
            f"Nothing else of {application} ran on {workload.device} before, so there is nothing "
            "to go back to."
        )
    this = Device.objects.filter(pk=workload.device_id)
    if held := targeting.holders(this, application):
        raise MoveRefusedError(
            f"{held[0].deployment_name} is changing {application} on {workload.device}: wait until "
            "it has ended."
        )
    revisions = Revision.objects.select_related("version__application", "deployment")
    return revisions.defer("document").get(pk=workload.before)


def seen(workload: WorkloadWithPast) -> str:
    """Stands for what a person saw who was asked: what shall run, and what it would go back to."""
    return f"{workload.wanted_id}-{workload.before}"


def approval_reasons(workload: WorkloadWithPast, before: Revision) -> list[str]:
    """Why it would wait for approval; empty when it would start at once."""
    like = Deployment(version=before.version)
    this = Device.objects.filter(pk=workload.device_id)
    return approval.reasons_for(like, this, 1)


def roll_back(
    workload_pk: int, *, actor: User | None, now: datetime, reason: str = "", shown: str = ""
) -> Deployment:
    """Makes and starts the deployment; one that a rule wants approved waits for that.

    `shown` is what `seen` said when the person was asked. Raises MoveRefusedError, and then
    nothing was made.
    """
    with transaction.atomic():
        workload = past.workloads().get(pk=workload_pk)
        before = revision_before(workload)
        if shown not in ("", seen(workload)):
            raise MoveRefusedError(CHANGED)
        draft = _drafted(workload, before, actor, now)
        said = f"Made to put {workload.device} back to {before.version}."
        events.record(draft, "one_device", said, now=now, actor=actor, reason=reason)
        submitting.submit(draft, actor=actor, now=now)
        if draft.stage == Stage.READY:
            start(draft, actor=actor, now=now)
    return draft


def _drafted(
    workload: WorkloadWithPast, before: Revision, actor: User | None, now: datetime
) -> Deployment:
    then = before.deployment
    draft = drafting.create(
        version=before.version,
        profile_id=then.profile_id,
        name=f"{workload.device} back to {before.version}"[:200],
        actor=actor,
        now=now,
        targeting={"ids": [workload.device_id]},
    )
    try:
        drafting.set_parameters(draft, then.parameters, actor=actor, now=now)
    except ParameterError as error:
        raise MoveRefusedError(f"Its parameters of then cannot be used now: {error}.") from error
    return draft


def _refuse_gone(device: Device) -> None:
    if device.removed_at is not None:
        raise MoveRefusedError(f"The device {device} has left the fleet.")
    if device.client.state != Client.State.ACCEPTED:
        raise MoveRefusedError(f"The client of {device} is {device.client.state}, not accepted.")
