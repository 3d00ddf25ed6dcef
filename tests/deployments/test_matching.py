"""Telling a report about the current content from one about something older."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments import observing, reports
from deployments.models import Instance, Revision, StatusReport, Workload
from deployments.observing import observation
from deployments.reports import Report, why_not_counted
from deployments.states import IN_FLIGHT, Failure, State, Status
from devices.models import Client
from tests.deployments import plant

OLDER = "About manifest {}; the current content came with a later one."
BEYOND = "About manifest {}, which was never published to this client."
UNPROVED = "Sent without a manifest version, before the client held the current manifest."
NOTHING = "There is nothing published here that it could be about."


@pytest.mark.parametrize(
    ("target", "newest", "proved", "adopted", "why"),
    [
        pytest.param(3, 3, 0, 3, "", id="about the manifest that brought it"),
        pytest.param(3, 5, 0, 4, "", id="about a later one that kept it"),
        pytest.param(3, 5, 0, 5, "", id="about the newest"),
        pytest.param(3, 5, 5, 2, OLDER.format(2), id="about the one before"),
        pytest.param(1, 1, 1, 1, "", id="about the very first"),
        pytest.param(3, 5, 5, 6, BEYOND.format(6), id="about one that does not exist"),
        pytest.param(3, 5, 5, 2**64 - 1, BEYOND.format(2**64 - 1), id="about nonsense"),
        pytest.param(3, 5, 2, None, UNPROVED, id="without a version, holding an older one"),
        pytest.param(3, 5, 0, None, UNPROVED, id="without a version, holding none"),
        pytest.param(3, 5, 3, None, "", id="without a version, holding the one that brought it"),
        pytest.param(3, 5, 5, None, "", id="without a version, holding a later one"),
        pytest.param(None, 5, 5, 5, NOTHING, id="before it was published"),
        pytest.param(None, 5, 5, None, NOTHING, id="before, without a version"),
    ],
)
def test_what_counts_for_the_current_content(
    target: int | None, newest: int, proved: int, adopted: int | None, why: str
) -> None:
    client = Client(manifest_version=newest, proved_version=proved)
    revision = Revision(target_version=target)
    assert why_not_counted(client, revision, Report(Status.INSTALLED, adopted)) == why


def test_nothing_counts_where_nothing_was_published() -> None:
    client = Client(manifest_version=5, proved_version=5)
    assert why_not_counted(client, None, Report(Status.REMOVED, 5)) == NOTHING


versions = st.integers(min_value=1, max_value=6)


@given(versions, versions, st.integers(min_value=0, max_value=6), st.none() | versions)
def test_a_report_counts_exactly_when_it_can_be_about_the_current_content(
    target: int, newest: int, proved: int, adopted: int | None
) -> None:
    client = Client(manifest_version=newest, proved_version=proved)
    counted = not why_not_counted(
        client, Revision(target_version=target), Report(Status.INSTALLED, adopted)
    )
    expected = proved >= target if adopted is None else target <= adopted <= newest
    assert counted == expected


def an_instance(state: State, failure: str = "", error: str = "") -> Instance:
    return Instance(
        state=state.value, failure=failure, last_error=error, progress=15, fetched_at=plant.NOON
    )


@pytest.mark.parametrize(
    ("state", "reported", "to", "failure"),
    [
        pytest.param(State.PENDING, Status.PENDING, State.PENDING, None, id="accepted"),
        pytest.param(State.PENDING, Status.INSTALLING, State.INSTALLING, None, id="begun"),
        pytest.param(State.PENDING, Status.INSTALLED, State.INSTALLED, None, id="done at once"),
        pytest.param(State.PENDING, Status.FAILED, State.FAILED, "failed", id="failed at once"),
        pytest.param(State.INSTALLING, Status.PENDING, State.INSTALLING, None, id="late words"),
        pytest.param(State.INSTALLING, Status.INSTALLED, State.INSTALLED, None, id="done"),
        pytest.param(State.INSTALLING, Status.FAILED, State.FAILED, "failed", id="failed"),
        pytest.param(State.INSTALLING, Status.REMOVED, State.FAILED, "drifted", id="gone"),
        pytest.param(State.INSTALLED, Status.FAILED, State.FAILED, "drifted", id="drifted"),
        pytest.param(State.INSTALLED, Status.REMOVED, State.FAILED, "drifted", id="vanished"),
        pytest.param(State.FAILED, Status.INSTALLED, State.INSTALLED, None, id="late truth"),
        pytest.param(State.INSTALLED, Status.INSTALLED, None, None, id="done again"),
        pytest.param(State.INSTALLED, Status.INSTALLING, None, None, id="out of order"),
        pytest.param(State.INSTALLED, Status.PENDING, None, None, id="far out of order"),
        pytest.param(State.INSTALLED, Status.REMOVING, None, None, id="going away"),
        pytest.param(State.FAILED, Status.INSTALLING, None, None, id="tries by itself"),
        pytest.param(State.FAILED, Status.PENDING, None, None, id="late after the failure"),
        *(
            pytest.param(state, reported, None, None, id=f"{reported} while {state}")
            for state in (State.QUEUED, State.CANCELLED, State.SKIPPED)
            for reported in Status
        ),
    ],
)
def test_what_a_counted_report_does_to_an_instance(
    state: State, reported: Status, to: State | None, failure: str | None
) -> None:
    seen = observation(an_instance(state), reported, (), "")
    assert (seen.state if seen else None) == to
    assert (seen.failure if seen else None) == failure


def test_a_failure_before_anything_was_fetched_is_a_refusal() -> None:
    instance = an_instance(State.PENDING)
    instance.fetched_at = None
    seen = observation(instance, Status.FAILED, (), "unsupported")
    assert seen is not None
    assert (seen.state, seen.failure) == (State.FAILED, Failure.REJECTED)


@pytest.mark.parametrize(
    ("state", "reported", "removal", "to"),
    [
        pytest.param(State.REMOVING, Status.INSTALLED, False, State.REMOVED, id="put back"),
        pytest.param(State.REMOVING, Status.REMOVED, True, State.REMOVED, id="taken away"),
        pytest.param(State.REMOVING, Status.INSTALLED, True, None, id="still says installed"),
        pytest.param(State.REMOVING, Status.REMOVING, True, State.REMOVING, id="on its way out"),
        pytest.param(State.REMOVING, Status.INSTALLING, False, State.REMOVING, id="going back"),
        pytest.param(State.REMOVING, Status.PENDING, False, None, id="accepted"),
        pytest.param(State.REMOVING, Status.FAILED, False, State.FAILED, id="not put back"),
        pytest.param(State.REMOVING, Status.FAILED, True, State.FAILED, id="not taken away"),
        pytest.param(State.REMOVING, Status.REMOVED, False, State.FAILED, id="gone instead"),
        pytest.param(State.REMOVED, Status.INSTALLED, False, None, id="put back, again"),
        pytest.param(State.REMOVED, Status.INSTALLING, False, None, id="out of order"),
        pytest.param(State.REMOVED, Status.FAILED, False, State.FAILED, id="late failure"),
    ],
)
def test_what_a_counted_report_does_in_a_rollback(
    state: State, reported: Status, removal: bool, to: State | None
) -> None:
    seen = observation(an_instance(state), reported, (), "", removal=removal)
    assert (seen.state if seen else None) == to
    assert (seen.failure if seen else None) == (
        Failure.ROLLBACK_FAILED if to is State.FAILED else None
    )


def test_a_device_that_could_not_be_put_back_and_then_is_counts_as_put_back() -> None:
    failed = an_instance(State.FAILED, Failure.ROLLBACK_FAILED.value, "no space")
    seen = observation(failed, Status.INSTALLED, (), "")
    assert seen is not None
    assert seen.state is State.REMOVED


@given(st.lists(st.sampled_from(list(Status)), max_size=12))
def test_what_was_heard_last_about_the_end_is_what_stands(told: list[Status]) -> None:
    """Explained by the counted reports: the last word about an end decides, else the way there."""
    instance = an_instance(State.PENDING)
    for reported in told:
        seen = observation(instance, reported, (), "")
        if seen is not None:
            assert seen.progress >= instance.progress
            instance.state, instance.progress = seen.state, seen.progress
            instance.failure = seen.failure or ""
            instance.progress_words, instance.last_error = seen.words, seen.error
    ends = [one for one in told if one in {Status.INSTALLED, Status.FAILED, Status.REMOVED}]
    if ends:
        assert instance.state == (State.INSTALLED if ends[-1] is Status.INSTALLED else State.FAILED)
        assert bool(instance.failure) == (ends[-1] is not Status.INSTALLED)
    else:
        begun = Status.INSTALLING in told
        assert instance.state == (State.INSTALLING if begun else State.PENDING)
        assert State(instance.state) in IN_FLIGHT


@given(
    st.sampled_from([State.PENDING, State.INSTALLING, State.INSTALLED, State.FAILED]),
    st.sampled_from(list(Status)),
    st.sampled_from(["", "no space"]),
)
def test_the_same_words_twice_change_nothing_the_second_time(
    state: State, reported: Status, error: str
) -> None:
    instance = an_instance(state)
    seen = observation(instance, reported, (), error)
    if seen is not None:
        again = Instance(
            state=seen.state.value,
            failure=seen.failure.value if seen.failure else "",
            last_error=seen.error,
            progress=seen.progress,
            progress_words=seen.words,
            fetched_at=instance.fetched_at,
        )
        assert observation(again, reported, (), error) is None


@given(
    st.lists(
        st.builds(reports.Component, st.just("part"), st.sampled_from(list(Status)), st.just("")),
        max_size=6,
    ),
    st.sampled_from([Status.PENDING, Status.INSTALLING]),
)
def test_progress_on_the_way_is_short_of_the_end(
    parts: list[reports.Component], reported: Status
) -> None:
    seen = observation(an_instance(State.PENDING), reported, parts, "")
    assert seen is not None
    assert observing.FETCHED <= seen.progress < observing.INSTALLED


#: A device's day: what it may do, in any order.
STEPS = ["release", "poll", "fetch", *(f"say {word}" for word in Status)]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_device_does_the_instance_is_explained_by_the_reports_that_counted(
    seed: int,
) -> None:
    """A fixed walk for each seed: reports with right, old and missing versions between releases."""
    device = plant.a_device()
    numbers = itertools.count(1)
    rollout = plant.a_rollout([device], plant.a_version(f"{next(numbers)}.0.0"))
    for turn in range(30):
        step = STEPS[(seed * 7 + turn * (seed + 3) + turn * turn) % len(STEPS)]
        client = Client.objects.get(pk=device.client_id)
        if step == "release":
            plant.tick(rollout)
            if rollout.stage == "completed":
                rollout = plant.a_rollout([device], plant.a_version(f"{next(numbers)}.0.0"))
        elif step == "poll":
            plant.poll(device)
        elif step == "fetch":
            plant.fetch(device)
        else:
            versions = [None, client.manifest_version, client.manifest_version - 1, 99]
            adopted = versions[(turn + seed) % len(versions)]
            plant.tell(device, step.removeprefix("say "), adopted=adopted)
        _assert_explained(device)


def _assert_explained(device: plant.Device) -> None:
    workload = Workload.objects.get(device=device)
    instance = Instance.objects.filter(device=device).latest("pk")
    counted = StatusReport.objects.filter(revision=instance.revision, counted=True)
    heard = [Status(state) for state in counted.values_list("state", flat=True)]
    shadow = an_instance(State.PENDING)
    for reported in heard:
        if (seen := observation(shadow, reported, (), "")) is not None:
            shadow.state, shadow.failure = seen.state, (seen.failure or "")
            shadow.last_error = seen.error
    assert instance.state == shadow.state
    assert instance.failure == shadow.failure
    if heard:
        assert workload.state == heard[-1]
    if instance.failure:
        assert instance.failure in set(Failure)
