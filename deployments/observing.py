"""What a counted report means for an instance, given the state it is in.

Success and failure are taken as they come while the deployment runs, in any order: late truth
counts. What only tells the way there never takes an end back, since reports may be repeated,
lost or out of order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deployments.states import ON_THE_WAY, UNDER_WAY, Failure, State, Status

#: Percent of the bar between the fetched content and the installed application.
FETCHED, INSTALLED = 35, 100
NO_REASON = "The device gave no reason."
GONE = "The device reports that it removed the application by itself."
#: States in which a rollback decides what a report means.
_ROLLED_BACK = frozenset({State.REMOVING, State.REMOVED})


class Subject(Protocol):
    """What is needed of an instance."""

    state: str
    failure: str
    progress: int
    progress_words: str
    last_error: str
    fetched_at: datetime | None


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
    instance: Subject,
    reported: Status,
    components: Sequence[Part],
    error: str,
    *,
    removal: bool = False,
) -> Observation | None:
    """What changes; None when the report tells nothing new about this instance.

    `removal` says that the application is to be taken away, not put back, by a rollback.
    """
    state = State(instance.state)
    if state in _ROLLED_BACK or instance.failure == Failure.ROLLBACK_FAILED:
        return _put_back(instance, state, reported, components, error, removal=removal)
    if state not in UNDER_WAY | {State.INSTALLED, State.FAILED}:
        return None
    if reported is Status.INSTALLED:
        return None if state is State.INSTALLED else _installed()
    if reported is Status.FAILED:
        return _failed(instance, state, components, error)
    if reported is Status.REMOVED:
        return _gone(instance, state)
    if reported in ON_THE_WAY and state in UNDER_WAY:
        return _on_the_way(instance, state, reported, components)
    return None


def _put_back(
    instance: Subject,
    state: State,
    reported: Status,
    components: Sequence[Part],
    error: str,
    *,
    removal: bool,
) -> Observation | None:
    """A rollback: done when the device runs what ran before, or has taken the application away."""
    done = Status.REMOVED if removal else Status.INSTALLED
    if reported is done:
        words = "Removed" if removal else "Runs what it ran before"
        return None if state is State.REMOVED else Observation(State.REMOVED, INSTALLED, words)
    if reported is Status.FAILED or (reported is Status.REMOVED and not removal):
        text = error or _first_error(components) or NO_REASON
        text = GONE if reported is Status.REMOVED else text
        same = state is State.FAILED and instance.last_error == text
        failure = Failure.ROLLBACK_FAILED
        return (
            None if same else Observation(State.FAILED, instance.progress, "Failed", failure, text)
        )
    if reported in {Status.REMOVING, Status.INSTALLING} and state is State.REMOVING:
        progress = max(instance.progress, _progress(components))
        words = "Being removed" if removal else "Installing what it ran before"
        same = (progress, words) == (instance.progress, instance.progress_words)
        return None if same else Observation(state, progress, words)
    return None


def _installed() -> Observation:
    return Observation(State.INSTALLED, INSTALLED, "Installed")


def _failed(
    instance: Subject, state: State, components: Sequence[Part], error: str
) -> Observation | None:
    failure = _kind(instance, state)
    text = error or _first_error(components) or NO_REASON
    seen = Observation(State.FAILED, instance.progress, "Failed", failure, text)
    same = (state, instance.failure, instance.last_error) == (State.FAILED, failure.value, text)
    return None if same else seen


def _kind(instance: Subject, state: State) -> Failure:
    """A device that never fetched the content refused it; one that had it installed drifted."""
    if state is State.INSTALLED or instance.failure == Failure.DRIFTED:
        return Failure.DRIFTED
    if instance.failure == Failure.REJECTED or instance.fetched_at is None:
        return Failure.REJECTED
    return Failure.FAILED


def _gone(instance: Subject, state: State) -> Observation | None:
    if state is State.FAILED and instance.last_error == GONE:
        return None
    return Observation(State.FAILED, instance.progress, "Gone", Failure.DRIFTED, GONE)


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
