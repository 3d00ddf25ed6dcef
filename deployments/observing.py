"""What a counted report means for an instance, given the state it is in.

Success and failure are taken as they come while the deployment runs, in any order: late truth
counts. What only tells the way there never takes an end back, since reports may be repeated,
lost or out of order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deployments.states import IN_FLIGHT, Failure, State, Status

#: Percent of the bar between the fetched content and the installed application.
FETCHED, INSTALLED = 35, 100


class Subject(Protocol):
    """What is needed of an instance."""

    state: str
    failure: str
    progress: int
    progress_words: str
    last_error: str


class Part(Protocol):
    """What is needed of a component's report."""

    @property
    def name(self) -> str:
        """The component's name."""

    @property
    def state(self) -> Status:
        """Its state."""

    @property
    def error(self) -> str:
        """What went wrong with it, or nothing."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The state an instance moves to, and what to show for it."""

    state: State
    progress: int
    words: str
    failure: Failure | None = None
    error: str = ""


def observation(
    instance: Subject, reported: Status, components: Sequence[Part], error: str
) -> Observation | None:
    """What changes; None when the report tells nothing new about this instance."""
    state = State(instance.state)
    if state not in IN_FLIGHT | {State.INSTALLED, State.FAILED}:
        return None
    if reported is Status.INSTALLED:
        return None if state is State.INSTALLED else _installed()
    if reported is Status.FAILED:
        return _failed(instance, state, components, error)
    if reported is Status.REMOVED:
        return _gone(instance, state)
    if reported in {Status.PENDING, Status.INSTALLING} and state in IN_FLIGHT:
        return _on_the_way(instance, state, reported, components)
    return None


def _installed() -> Observation:
    return Observation(State.INSTALLED, INSTALLED, "Installed")


def _failed(
    instance: Subject, state: State, components: Sequence[Part], error: str
) -> Observation | None:
    failure = Failure.DRIFTED if state is State.INSTALLED else Failure.FAILED
    if state is State.FAILED and instance.failure == Failure.DRIFTED:
        failure = Failure.DRIFTED
    text = error or _first_error(components) or "The device gave no reason."
    seen = Observation(State.FAILED, instance.progress, "Failed", failure, text)
    same = (state, instance.failure, instance.last_error) == (State.FAILED, failure.value, text)
    return None if same else seen


def _gone(instance: Subject, state: State) -> Observation | None:
    text = "The device reports that it removed the application by itself."
    if state is State.FAILED and instance.last_error == text:
        return None
    return Observation(State.FAILED, instance.progress, "Gone", Failure.DRIFTED, text)


def _on_the_way(
    instance: Subject, state: State, reported: Status, components: Sequence[Part]
) -> Observation | None:
    installing = reported is Status.INSTALLING or state is State.INSTALLING
    to = State.INSTALLING if installing else State.PENDING
    progress = max(instance.progress, _progress(components))
    words = _words(components) if installing else "Accepted by the device"
    if (to, progress, words) == (state, instance.progress, instance.progress_words):
        return None
    return Observation(to, progress, words)


def _progress(components: Sequence[Part]) -> int:
    """Half a component for being under way, a whole one for being installed."""
    if not components:
        return FETCHED
    done = sum(_share(component.state) for component in components)
    return FETCHED + int((INSTALLED - FETCHED - 5) * done / len(components))


def _share(state: Status) -> float:
    return {Status.INSTALLED: 1.0, Status.PENDING: 0.0}.get(state, 0.5)


def _words(components: Sequence[Part]) -> str:
    number = len(components)
    if number < 2:
        return "Installing"
    if done := sum(component.state is Status.INSTALLED for component in components):
        return f"Installing: {done} of {number} components installed"
    begun = sum(component.state is not Status.PENDING for component in components)
    return f"Installing: {begun} of {number} components begun"


def _first_error(components: Sequence[Part]) -> str:
    return next((f"{one.name}: {one.error}" for one in components if one.error), "")
