"""What devices do over time, as lists of steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.simulator.desired import Component, Work
from devices.simulator.device import Outcome, Pace, Step, choose_device, installation, removal
from devices.simulator.misbehaviour import (
    FailRule,
    Habits,
    Misbehaviour,
    MisbehaviourError,
    Span,
    absence,
    chance,
    habits,
    parse_fail,
    parse_span,
)
from devices.simulator.reports import SEVERITY, Report, overall

PACE = Pace(1.0, 3.0)
WORKS = st.integers(1, 5).map(
    lambda count: Work(
        "id", "edge-1", "gauge", "7.1", tuple(Component(f"c{n}", "1.0.0") for n in range(count))
    )
)
HABITS = st.builds(
    Habits,
    fails=st.booleans(),
    factor=st.floats(0.5, 10),
    duplicates=st.booleans(),
    out_of_order=st.booleans(),
    stale=st.booleans(),
    silent=st.booleans(),
    drifts_after_seconds=st.none() | st.floats(0, 10),
    drift_state=st.sampled_from(["failed", "removed"]),
)
WORK = Work("id", "edge-1", "gauge", "7.1", (Component("a", "1.0.0"), Component("b", "4.1.0")))


def _reports(steps: list[Step]) -> list[Report]:
    return [step.report for step in steps if step.report is not None]


@given(WORKS, HABITS)
def test_an_installation_ends_once_whatever_is_said_about_it(work: Work, manners: Habits) -> None:
    outcomes = [step.outcome for step in installation(work, manners, PACE) if step.outcome]
    ends = [Outcome.FAILED] if manners.fails else [Outcome.INSTALLED]
    drifts = not manners.fails and manners.drifts_after_seconds is not None
    assert outcomes == ends + [Outcome.DRIFTED] * drifts


@given(WORKS, HABITS)
def test_every_report_speaks_of_every_component(work: Work, manners: Habits) -> None:
    names = [component.name for component in work.components]
    for report in _reports(installation(work, manners, PACE)):
        assert [name for name, _ in report.components] == names


@given(WORKS, st.floats(0.5, 10))
def test_an_installation_takes_as_long_as_the_pace_says(work: Work, factor: float) -> None:
    steps = installation(work, Habits(factor=factor), PACE)
    assert sum(step.after_seconds for step in steps) == pytest.approx(4.0 * factor)


@given(WORKS)
def test_components_are_installed_one_after_the_other(work: Work) -> None:
    count = len(work.components)
    reports = _reports(installation(work, Habits(), PACE))
    states = [[state for _, state in report.components] for report in reports]
    assert states[0] == ["pending"] * count
    assert states[-1] == ["installed"] * count
    for done, seen in enumerate(states[1:-1]):
        assert seen == ["installed"] * done + ["installing"] + ["pending"] * (count - done - 1)


@given(WORKS, HABITS)
def test_nothing_is_said_of_a_silent_device(work: Work, manners: Habits) -> None:
    steps = [*installation(work, manners, PACE), *removal(work, manners, PACE)]
    assert bool(_reports(steps)) is not manners.silent


@given(st.lists(st.sampled_from(SEVERITY), min_size=1))
def test_the_overall_state_is_the_worst_one(states: list[str]) -> None:
    assert SEVERITY.index(overall(states)) == min(map(SEVERITY.index, states))


@pytest.mark.parametrize(
    ("target", "devices", "chosen"),
    [
        pytest.param("gw", ["gw"], {"gw"}, id="the client itself"),
        pytest.param("gw/a", ["gw", "gw/a"], {"gw/a"}, id="a child"),
        pytest.param("gw/*", ["gw", "gw/a", "gw/b"], {"gw/a", "gw/b"}, id="any child"),
        pytest.param("gw/*", ["gw"], {None}, id="no child to choose"),
        pytest.param("gw/c", ["gw", "gw/a"], {None}, id="another child"),
        pytest.param("gw/a", ["gw", "gw/a/b"], {None}, id="a child that has children"),
        pytest.param("other/*", ["gw", "gw/a"], {None}, id="another gateway"),
    ],
)
def test_the_device_is_chosen_as_the_document_says(
    target: str, devices: list[str], chosen: set[str | None]
) -> None:
    found = {choose_device(Work(f"{n}", target, "a", "", ()), devices) for n in range(30)}
    assert found == chosen


@given(st.integers(), st.text(), st.text())
def test_chance_is_the_same_every_time_and_below_one(seed: int, first: str, second: str) -> None:
    drawn = chance(seed, first, second)
    assert 0 <= drawn < 1
    assert drawn == chance(seed, first, second)


def test_a_rate_hits_about_that_part_of_the_fleet() -> None:
    wrong = Misbehaviour(fail=[FailRule(0.2)], offline=Span(0.3, 1, 2))
    names = [f"edge-{number}" for number in range(2000)]
    failing = [name for name in names if habits(wrong, 7, WORK, name, "sha256:1").fails]
    away = [name for name in names if absence(wrong, 7, name)]
    assert 0.17 < len(failing) / 2000 < 0.23
    assert 0.27 < len(away) / 2000 < 0.33


@pytest.mark.parametrize(
    ("text", "rule", "concerned"),
    [
        pytest.param("0.2", FailRule(0.2), True, id="everything"),
        pytest.param("revision=4.1.0:0.3", FailRule(0.3, "revision", "4.1.0"), True, id="rev"),
        pytest.param("revision=4.2.0:1", FailRule(1, "revision", "4.2.0"), False, id="other rev"),
        pytest.param("version=7.1:0.3", FailRule(0.3, "version", "7.1"), True, id="version"),
        pytest.param("version=7.2:0.3", FailRule(0.3, "version", "7.2"), False, id="other version"),
        pytest.param("application=gauge:1", FailRule(1, "application", "gauge"), True, id="app"),
    ],
)
def test_a_fail_rule_says_what_fails(text: str, rule: FailRule, concerned: bool) -> None:
    assert parse_fail(text) == rule
    assert rule.concerns(WORK) is concerned


@pytest.mark.parametrize("text", ["", "often", "1.5", "-0.1", "revision=4.1.0", "nan", "=1:0.5"])
def test_a_fail_rule_without_meaning_is_refused(text: str) -> None:
    with pytest.raises(MisbehaviourError):
        parse_fail(text)


def test_a_span_takes_what_is_not_said_from_its_defaults() -> None:
    assert parse_span("0.5", 10, 30) == Span(0.5, 10, 30)
    assert parse_span("0.5:1", 10, 30) == Span(0.5, 1, 30)
    assert parse_span("0.5:1:2", 10, 30) == Span(0.5, 1, 2)


@pytest.mark.parametrize("text", ["0.5:1:2:3", "0.5:-1", "0.5:", "x"])
def test_a_span_without_meaning_is_refused(text: str) -> None:
    with pytest.raises(MisbehaviourError):
        parse_span(text, 10, 30)
