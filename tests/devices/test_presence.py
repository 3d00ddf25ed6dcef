"""Last seen is gathered in memory and written in bulk."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries

from devices import presence
from devices.models import Client

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    presence.flush()
    yield
    presence.flush()


def clients(count: int) -> list[int]:
    for number in range(count):
        Client.objects.create(spiffe_id=str(number), name=str(number), created_at=NOW)
    return list(Client.objects.order_by("pk").values_list("pk", flat=True))


def test_the_newest_time_is_written_once() -> None:
    pk, other = clients(2)
    presence.seen(pk, NOW)
    presence.seen(pk, NOW + timedelta(seconds=5), svid_not_after=NOW + timedelta(days=9))
    assert presence.flush() == 1
    assert presence.flush() == 0
    row = Client.objects.get(pk=pk)
    assert row.last_seen_at == NOW + timedelta(seconds=5)
    assert row.svid_not_after == NOW + timedelta(days=9)
    assert Client.objects.get(pk=other).last_seen_at is None


def test_many_clients_cost_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for pk in clients(30):
        presence.seen(pk, NOW)
    with django_assert_max_num_queries(5):
        presence.flush()


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_written_is_written_next_time() -> None:
    (pk,) = clients(1)
    presence.seen(pk, NOW)

    def away(*args: object) -> None:
        raise OperationalError("away")

    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        presence.flush()
    assert presence.flush() == 1
    assert Client.objects.get().last_seen_at == NOW


def test_a_client_that_is_gone_is_nobodys_trouble() -> None:
    presence.seen(987_654, NOW)
    assert presence.flush() == 1
