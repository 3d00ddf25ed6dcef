"""Approving or denying a deployment that its author or a rule wants somebody to look at."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import User
from deployments import approval
from deployments.models import Deployment
from deployments.moves.door import MoveRefusedError, ended, move, stage_after
from deployments.moves.pulling import never_send
from deployments.states import Action, Status


def approve(
    deployment: Deployment,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
    plan_digest: str | None = None,
) -> None:
    """awaiting approval → ready: lets exactly this plan be started.

    `plan_digest` is that of the plan which the person saw; None stands for what was read just
    now. Raises MoveRefusedError, also for one of its authors.
    """
    to = stage_after(deployment, Action.APPROVE)
    _refuse_author(deployment, actor)
    _refuse_unseen(deployment, plan_digest)
    late = deployment.start_at is not None and deployment.start_at <= now
    start_at = None if late else deployment.start_at
    changes: dict[str, object] = {
        "approved_digest": deployment.plan_digest,
        "approved_by": actor,
        "approved_at": now,
        "start_at": start_at,
        "due_at": start_at,
    }
    waits = " The time to start is over: somebody has to start it." if late else ""
    with transaction.atomic():
        sentence = f"Approved.{waits}"
        move(deployment, to, sentence, now=now, actor=actor, reason=reason, changes=changes)


def deny(
    deployment: Deployment,
    *,
    actor: User | None,
    now: datetime,
    reason: str = "",
    plan_digest: str | None = None,
) -> None:
    """awaiting approval → cancelled; raises MoveRefusedError, also for one of its authors.

    An author who thinks better of it cancels or edits the deployment instead.
    """
    to = stage_after(deployment, Action.DENY)
    _refuse_author(deployment, actor)
    _refuse_unseen(deployment, plan_digest)
    with transaction.atomic():
        changes: dict[str, object] = {**ended(Status.REMOVED, now), "start_at": None}
        move(
            deployment,
            to,
            "Denied.",
            now=now,
            actor=actor,
            kind="denied",
            reason=reason,
            changes=changes,
        )
        never_send(deployment, now)


def refuse_unapproved(deployment: Deployment) -> None:
    """Raises MoveRefusedError unless exactly what would be started was approved, if need be."""
    if not approval.is_needed(deployment):
        return
    if deployment.approved_digest != approval.digest_of(deployment):
        raise MoveRefusedError(
            f"{deployment.name} is not what was approved: edit it and ask again."
        )


def _refuse_unseen(deployment: Deployment, plan_digest: str | None) -> None:
    if plan_digest not in (None, deployment.plan_digest):
        raise MoveRefusedError(f"{deployment.name} was changed since it was shown: look again.")


def _refuse_author(deployment: Deployment, actor: User | None) -> None:
    if actor is None or settings.AUTHOR_MAY_APPROVE:
        return
    if actor.pk in deployment.authors:
        raise MoveRefusedError(
            f"You are an author of {deployment.name}: somebody else has to decide about it."
        )
