"""The life of a deployment and of its instances, as tables: who may do what in which stage.

Buttons, refusals and the documentation are made from these tables. Pure: no Django.
"""

from deployments.states.kinds import (
    ACTIVE,
    ENDED,
    FINISHED,
    GOING_BACK,
    IN_FLIGHT,
    NEEDS_SOMEBODY,
    RELEASED,
    RETRIED,
    UNDER_WAY,
    Action,
    Failure,
    Gate,
    Stage,
    State,
    Status,
    Tone,
)
from deployments.states.looks import (
    BAR_ORDER,
    ENDED_BADLY,
    FAILURE_WORDS,
    GATE_LOOKS,
    STAGE_LOOKS,
    STATE_LOOKS,
    STATUS_WORDS,
    Look,
    refusal,
    stage_look,
)
from deployments.states.verbs import ENGINE_MOVES, VERBS, Verb, allowed

__all__ = [
    "ACTIVE",
    "BAR_ORDER",
    "ENDED",
    "ENDED_BADLY",
    "ENGINE_MOVES",
    "FAILURE_WORDS",
    "FINISHED",
    "GATE_LOOKS",
    "GOING_BACK",
    "IN_FLIGHT",
    "NEEDS_SOMEBODY",
    "RELEASED",
    "RETRIED",
    "STAGE_LOOKS",
    "STATE_LOOKS",
    "STATUS_WORDS",
    "UNDER_WAY",
    "VERBS",
    "Action",
    "Failure",
    "Gate",
    "Look",
    "Stage",
    "State",
    "Status",
    "Tone",
    "Verb",
    "allowed",
    "refusal",
    "stage_look",
]
