"""What a device does over time with one piece of work, as a list of steps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from devices.simulator.desired import Work
from devices.simulator.misbehaviour import Habits, chance
from devices.simulator.reports import Fault, Report


class Outcome(StrEnum):
    """What has really happened on the device once a step is done."""

    INSTALLED = "installed"
    FAILED = "failed"
    REMOVED = "removed"
    DRIFTED = "drifted"
    KEPT = "kept"


@dataclass(frozen=True)
class Pace:
    """How long a device takes, in seconds, to download and to install everything."""

    download_seconds: float
    install_seconds: float


@dataclass(frozen=True)
class Step:
    """After a wait something may have happened, and may be reported."""

    after_seconds: float
    report: Report | None = None
    outcome: Outcome | None = None


def choose_device(work: Work, devices: Sequence[str]) -> str | None:
    """The device of this client that the work is for, or None if it has no such device.

    `gateway/*` leaves the choice to the gateway (Margo: desired state): it takes a child.
    """
    if work.device_id in devices:
        return work.device_id
    gateway, star, rest = work.device_id.partition("/*")
    children = [device for device in devices if device.startswith(f"{gateway}/")]
    if not star or rest or not children:
        return None
    return children[int(chance(0, work.deployment_id) * len(children))]


def installation(work: Work, habits: Habits, pace: Pace) -> list[Step]:
    """The steps of downloading and installing, component after component."""
    steps = [Step(0, _report(work, "pending")), *_components(work, habits, pace)]
    if not habits.fails and habits.drifts_after_seconds is not None:
        steps.append(_drift(work, habits.drifts_after_seconds, habits.drift_state))
    return _misreport(steps, work, habits)


def confirmation(work: Work, habits: Habits) -> list[Step]:
    """The one step of a device that already runs what is wanted."""
    return _misreport([Step(0, _report(work, "installed"), Outcome.KEPT)], work, habits)


def removal(work: Work, habits: Habits, pace: Pace) -> list[Step]:
    """The steps of taking an application off the device."""
    steps = [
        Step(0, _report(work, "removing")),
        Step(pace.install_seconds * habits.factor / 2, _report(work, "removed"), Outcome.REMOVED),
    ]
    return _misreport(steps, work, replace(habits, out_of_order=False, stale=False))


def impossible(work: Work, gateway: str) -> list[Step]:
    """The one step of a client that has no such device (Margo: gateway error 101)."""
    fault = Fault("101", gateway, f"There is no device {work.device_id} here.")
    return [Step(0, _report(work, "failed", fault), Outcome.FAILED)]


def _components(work: Work, habits: Habits, pace: Pace) -> Iterable[Step]:
    count = len(work.components)
    yield Step(pace.download_seconds * habits.factor, _progress(work, 0, "installing"))
    wait_seconds = pace.install_seconds * habits.factor / count
    for done in range(1, count):
        yield Step(wait_seconds, _progress(work, done, "installing"))
    if habits.fails:
        name = work.components[-1].name
        fault = Fault("SIM-1", name, f"The simulated installation of {name} failed.")
        yield Step(wait_seconds, _progress(work, count - 1, "failed", fault), Outcome.FAILED)
    else:
        yield Step(wait_seconds, _report(work, "installed"), Outcome.INSTALLED)


def _drift(work: Work, after_seconds: float, state: str) -> Step:
    fault = Fault("SIM-2", work.components[0].name, "It stopped by itself after it had run.")
    report = _report(work, state, fault if state == "failed" else None)
    return Step(after_seconds, report, Outcome.DRIFTED)


def _misreport(steps: list[Step], work: Work, habits: Habits) -> list[Step]:
    if habits.silent:
        return [replace(step, report=None) for step in steps]
    if habits.out_of_order:
        steps = _last_progress_comes_late(steps)
    if habits.stale:
        steps = [Step(0, replace(_report(work, "installed"), behind=1)), *steps]
    if habits.duplicates:
        steps = [each for step in steps for each in (step, Step(0, step.report))]
    return steps


def _last_progress_comes_late(steps: list[Step]) -> list[Step]:
    for at in range(len(steps) - 1, 0, -1):
        if steps[at].outcome is Outcome.INSTALLED:
            early, late = replace(steps[at - 1], report=None), Step(0, steps[at - 1].report)
            return [*steps[: at - 1], early, steps[at], late, *steps[at + 1 :]]
    return steps


def _report(work: Work, state: str, fault: Fault | None = None) -> Report:
    states = tuple((component.name, state) for component in work.components)
    return Report(work.deployment_id, states, fault)


def _progress(work: Work, done: int, state: str, fault: Fault | None = None) -> Report:
    def of(position: int) -> str:
        if position == done:
            return state
        return "installed" if position < done else "pending"

    states = tuple((each.name, of(at)) for at, each in enumerate(work.components))
    return Report(work.deployment_id, states, fault)
