"""Lines of history in the tone of what they tell: on a deployment's page and on the overview."""

from collections.abc import Iterable
from dataclasses import dataclass

from deployments.models import Event
from deployments.states import STAGE_LOOKS, Failure, Stage, Tone

#: The tone of a line that says so by its kind, whatever stage it led to.
EVENT_TONES: dict[str, Tone] = {
    **dict.fromkeys((failure.value for failure in Failure), Tone.BAD),
    "start_refused": Tone.BAD,
    "taken_back": Tone.WARN,
    "deferred": Tone.WARN,
    "released": Tone.RUN,
    "retried": Tone.RUN,
    "restored": Tone.RUN,
    "batch_ended": Tone.OK,
    "batch_ended_badly": Tone.BAD,
    "ended_badly": Tone.BAD,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline, in the tone of the stage it led to."""

    event: Event
    tone: Tone


def lines(events: Iterable[Event]) -> list[Line]:
    """Events of any deployments, newest first, each in its tone."""
    return [Line(event, tone_of(event)) for event in events]


def tone_of(event: Event) -> Tone:
    """The tone of a line of history."""
    if event.kind in EVENT_TONES:
        return EVENT_TONES[event.kind]
    return STAGE_LOOKS[Stage(event.to_stage)].tone if event.to_stage else Tone.IDLE
