"""The only place where the states of deployments and instances are written.

Each move is a conditional UPDATE that believes its row count and leaves its event in the same
transaction. The verbs of people are in `verbs`, `steering`, `rollback` and `approving`, what the
engine does in `steps`, the moves of single instances in `instances`.
"""

from deployments.moves.approving import approve, deny
from deployments.moves.door import MoveRefusedError
from deployments.moves.rollback import give_up_rest, roll_back
from deployments.moves.steering import approve_batch, pause, promote_canary, resume, retry_failed
from deployments.moves.verbs import cancel, delete, refuse_start_at, reopen, schedule, start

__all__ = [
    "MoveRefusedError",
    "approve",
    "approve_batch",
    "cancel",
    "delete",
    "deny",
    "give_up_rest",
    "pause",
    "promote_canary",
    "refuse_start_at",
    "reopen",
    "resume",
    "retry_failed",
    "roll_back",
    "schedule",
    "start",
]
