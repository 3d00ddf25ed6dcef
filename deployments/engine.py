"""The rollout engine: claims a deployment, asks the planner, carries the steps out.

The database is the truth and every task a nudge: a tick may be lost, late, repeated or run twice
at once, and each derives what is missing from the rows.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Q, QuerySet

from deployments import events
from deployments.counting import snapshot, summary_of
from deployments.models import Deployment, Instance
from deployments.moves.door import WELL, unmoved
from deployments.moves.steps import carry_out
from deployments.planner import Snapshot, Step, next_look, plan
from deployments.states import ACTIVE, Stage
from deployments.strategy import policy_of

logger = logging.getLogger(__name__)

#: A dead worker's claim runs out after this long.
CLAIM_SECONDS = 30
#: A deployment that raises is left alone for 2, 4, 8 … seconds, at most this long.
LONGEST_HOLD_SECONDS = 300
#: Each round does at least one step, so a plan that never ends is a defect of the planner.
ROUNDS = 200
#: After so long other deployments have their turn, and this one goes on at the next look.
TURN_SECONDS = 2.0
#: Stages in which a deployment may have something to do for the engine.
_LOOKED_AT = ACTIVE | {Stage.READY}


class EndlessPlanError(Exception):
    """The planner asked for more steps than a deployment can have."""


def due(now: datetime) -> QuerySet[Deployment]:
    """The deployments somebody should look at: a limit ran out, or a report is not judged."""
    unjudged = Instance.objects.filter(deployment=OuterRef("pk"), unjudged=True)
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    unheld = Q(held_until=None) | Q(held_until__lte=now)
    waiting = Deployment.objects.filter(free, unheld)
    scheduled = Q(stage__in=_LOOKED_AT, due_at__lte=now)
    return waiting.filter(scheduled | Q(Exists(unjudged), stage__in=ACTIVE))


def tick(deployment_pk: int, *, now: datetime) -> list[Step]:
    """Looks at one deployment and does what the planner says; answers the steps done.

    Empty when there is nothing to do or somebody else is at it. What goes wrong is noted on the
    deployment, which is then left alone for a while, and raised again; a database that is away
    is nobody's fault.
    """
    claim = now + timedelta(seconds=CLAIM_SECONDS)
    # Guard in the UPDATE itself: of two workers one sees a row and the other none. It stays due
    # until the look has ended: who dies after marking reports as judged leaves it to the next.
    if due(now).filter(pk=deployment_pk).update(claimed_until=claim, due_at=now) != 1:
        return []
    deployment = Deployment.objects.get(pk=deployment_pk)
    deployment.claimed_until = claim
    try:
        done = _work(deployment, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        seconds = _hold(deployment, error, now)
        logger.exception("Deployment %s is left alone for %s s", deployment_pk, seconds)
        raise
    finally:
        Deployment.objects.filter(pk=deployment_pk, claimed_until=claim).update(claimed_until=None)
    # Who came while the claim was held was turned away: it must not wait for the next beat.
    if due(now).filter(pk=deployment_pk).exists():
        events.nudge(deployment_pk)
    return done


def _work(deployment: Deployment, now: datetime) -> list[Step]:
    policy = policy_of(deployment.strategy)
    claim = deployment.claimed_until
    done: list[Step] = []
    begun = time.monotonic()
    for _ in range(ROUNDS):
        # First mark as judged, then count: what comes in between is marked again.
        Instance.objects.filter(deployment=deployment, unjudged=True).update(unjudged=False)
        seen = snapshot(deployment, policy, now)
        if not (steps := plan(seen, now)):
            _note(deployment, seen, now)
            return done
        for step in steps:
            carry_out(deployment, step, policy, now)
        done += steps
        deployment.refresh_from_db()
        if deployment.claimed_until != claim:
            # The claim ran out and somebody else has it: nothing here may pass for theirs.
            return done
        if time.monotonic() - begun > TURN_SECONDS and deployment.stage in ACTIVE:
            # It is still due: whoever looks next goes on where this look ends.
            return done
    message = f"The plan of deployment {deployment.pk} did not end after {ROUNDS} rounds."
    raise EndlessPlanError(message)


def _note(deployment: Deployment, seen: Snapshot, now: datetime) -> None:
    """Stores what lists show and when to look again, if either is new."""
    look = next_look(seen) if deployment.stage in _LOOKED_AT else None
    values: dict[str, object] = {
        "summary": summary_of(seen),
        "due_at": look,
        **WELL,
    }
    changed = {name: value for name, value in values.items() if getattr(deployment, name) != value}
    if changed:
        # Who moved it since it was read has set due_at, and that must not be overwritten.
        unmoved(deployment, claimed=True).update(**changed, updated_at=now)
        events.ring(deployment.pk)


def _hold(deployment: Deployment, error: Exception, now: datetime) -> int:
    stumbles = min(deployment.stumbles + 1, 30)
    seconds: int = min(2**stumbles, LONGEST_HOLD_SECONDS)
    Deployment.objects.filter(pk=deployment.pk).update(
        held_until=now + timedelta(seconds=seconds),
        stumbles=stumbles,
        trouble=f"The engine stumbled over this deployment ({type(error).__name__}) and tries "
        f"again in {seconds} s. The log has the details.",
    )
    events.ring(deployment.pk)
    return seconds
