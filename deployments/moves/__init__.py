"""The only place where the states of deployments and instances are written.

Each move is a conditional UPDATE that believes its row count and leaves its event in the same
transaction. The verbs of people are in `verbs`, what the engine does in `steps`, the moves
of single instances in `instances`.
"""

from deployments.moves.door import MoveRefusedError
from deployments.moves.verbs import cancel, delete, reopen, start

__all__ = ["MoveRefusedError", "cancel", "delete", "reopen", "start"]
