"""A device's status follows from facts and a clock, in Python and in SQL alike."""

from datetime import timedelta
from itertools import product

import pytest

from devices.models import Client, Device
from devices.status import (
    FORGOTTEN_AFTER,
    LOOKS,
    MEANINGS,
    Facts,
    Status,
    counts,
    facts_of,
    status,
    with_status,
)
from tests.cast import NOON

LIMIT = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
HEARD = (
    None,
    NOON,
    NOON - LIMIT,
    NOON - LIMIT - SECOND,
    NOON - FORGOTTEN_AFTER,
    NOON - FORGOTTEN_AFTER - SECOND,
)


def facts(**other: object) -> Facts:
    usual = {
        "client_state": "accepted",
        "last_seen_at": NOON,
        "capabilities_at": NOON,
        "failing": False,
        "removed": False,
    }
    return Facts(**{**usual, **other})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({}, Status.ONLINE, id="heard just now"),
        pytest.param({"last_seen_at": NOON - LIMIT}, Status.ONLINE, id="silent up to the limit"),
        pytest.param({"last_seen_at": NOON - LIMIT - SECOND}, Status.OFFLINE, id="silent longer"),
        pytest.param({"last_seen_at": NOON - FORGOTTEN_AFTER - SECOND}, Status.UNKNOWN, id="lost"),
        pytest.param({"last_seen_at": None}, Status.PENDING, id="never heard"),
        pytest.param({"capabilities_at": None}, Status.PENDING, id="never described"),
        pytest.param({"client_state": "pending"}, Status.PENDING, id="not accepted yet"),
        pytest.param({"client_state": "retired"}, Status.UNKNOWN, id="client retired"),
        pytest.param({"removed": True}, Status.UNKNOWN, id="removed by its client"),
        pytest.param({"failing": True}, Status.ERROR, id="failing"),
        pytest.param(
            {"failing": True, "last_seen_at": NOON - LIMIT - SECOND},
            Status.OFFLINE,
            id="failing and silent: nobody knows whether it still fails",
        ),
    ],
)
def test_the_status_follows_from_the_facts(known: dict[str, object], expected: Status) -> None:
    assert status(facts(**known), NOON, LIMIT) is expected


@pytest.mark.django_db
def test_sql_and_python_say_the_same_over_all_combinations() -> None:
    states = ("pending", "accepted", "retired")
    for number, (state, heard) in enumerate(product(states, HEARD)):
        client = Client.objects.create(
            spiffe_id=f"spiffe://x/{number}",
            name=str(number),
            state=state,
            last_seen_at=heard,
            created_at=NOON,
        )
        Device.objects.bulk_create(
            Device(
                client=client,
                path=f"{number}/{index}",
                created_at=NOON,
                failing=failing,
                capabilities_at=NOON if described else None,
                removed_at=NOON if removed else None,
            )
            for index, (failing, described, removed) in enumerate(product((0, 1), repeat=3))
        )

    rows = list(with_status(Device.objects.select_related("client"), NOON, LIMIT))

    assert len(rows) == len(states) * len(HEARD) * 8
    said = {row.pk: row.status_now for row in rows}
    assert said == {row.pk: status(facts_of(row), NOON, LIMIT).value for row in rows}
    assert set(said.values()) == {one.value for one in Status}


@pytest.mark.django_db
def test_counts_name_every_status_even_with_no_devices() -> None:
    assert counts(Device.objects.all(), NOON) == dict.fromkeys(Status, 0)


def test_every_status_has_a_look_and_a_meaning() -> None:
    assert set(LOOKS) == set(Status) == set(MEANINGS)
