"""Where deployments stand, as the overview counts them and the list is filtered by.

A stage each, but for two things that operators need to tell apart: a gate that opens by itself
needs nobody, and one over which the engine stumbles does, in whatever stage it is.
"""

from dataclasses import dataclass

from django.db.models import Count, Q

from deployments.models import Deployment
from deployments.states import ACTIVE, GATE_BY_ITSELF, STAGE_LOOKS, Look, Stage, Tone

#: At a gate that the clock alone opens; the engine notes when.
BY_ITSELF = Q(stage=Stage.GATE, summary__has_key="opens_at")

#: The engine stumbled over it at its last look, and will look again.
STUMBLED = ~Q(trouble="") & Q(stage__in=[*ACTIVE, Stage.READY])


@dataclass(frozen=True, slots=True)
class Standing:
    """How it looks, and for which deployments it holds."""

    look: Look
    holds: Q


def _standings() -> dict[str, Standing]:
    found = {}
    for stage, look in STAGE_LOOKS.items():
        found[stage.value] = Standing(look, Q(stage=stage))
        if stage is Stage.GATE:
            found[stage.value] = Standing(look, Q(stage=stage) & ~BY_ITSELF)
            found["opening"] = Standing(GATE_BY_ITSELF, BY_ITSELF)
    stumbled = Look(Tone.BAD, "!", "The engine stumbles")
    return {**found, "stumbled": Standing(stumbled, STUMBLED)}


#: By the name that stands in the address, in the order of the filter's menu.
STANDINGS = _standings()
#: What the overview counts, first what waits for somebody.
COUNTED = (
    *("awaiting_approval", "gate", "held", "stumbled", "paused"),
    *("rolling", "opening", "cancelling", "rolling_back"),
)


def counts() -> list[tuple[str, Look, int]]:
    """How many deployments of the lists stand where: name, look and number; one query."""
    found = Deployment.objects.listed().aggregate(
        **{name: Count("pk", filter=STANDINGS[name].holds) for name in COUNTED}
    )
    return [(name, STANDINGS[name].look, found[name]) for name in COUNTED]
