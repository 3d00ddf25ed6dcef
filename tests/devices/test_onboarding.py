"""Clients are let in and turned away; their counters never go back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry

from accounts.models import User
from devices import onboarding
from devices.models import Client

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BASE = "spiffe://plant.example/margo/wfm/hall-7/client"


@pytest.fixture
def operator() -> User:
    return User.objects.create_user("olga")


def enrolled(name: str = "line-4", *, accepted: bool = True) -> Client:
    return onboarding.enrol(f"{BASE}/{name}", accepted=accepted, actor=None, now=NOW)


def test_an_enrolled_client_is_accepted_or_waits() -> None:
    assert (enrolled("a").state, enrolled("b", accepted=False).state) == ("accepted", "pending")
    assert Client.objects.get(name="a").accepted_at == NOW


def test_enrolling_again_changes_no_decision() -> None:
    client = enrolled()
    onboarding.retire(client, actor=None, now=NOW)
    assert enrolled().state == "retired"
    assert Client.objects.count() == 1


@pytest.mark.parametrize(
    "spiffe_id",
    ["", "line-4", "spiffe://plant.example/margo/wfm/hall-7", f"{BASE}/..", f"{BASE}/{'n' * 300}"],
)
def test_only_a_clients_id_can_be_enrolled(spiffe_id: str) -> None:
    with pytest.raises(onboarding.OnboardingRefusedError, match=r"\.$"):
        onboarding.enrol(spiffe_id, accepted=True, actor=None, now=NOW)
    assert not Client.objects.exists()


def test_accepting_and_retiring_say_whether_they_did_anything(operator: User) -> None:
    client = enrolled(accepted=False)
    assert onboarding.accept(client, actor=operator, now=NOW)
    assert not onboarding.accept(client, actor=operator, now=LATER)
    assert onboarding.retire(client, actor=operator, now=LATER)
    assert not onboarding.retire(client, actor=operator, now=LATER + timedelta(hours=1))
    assert (client.state, client.accepted_at, client.retired_at) == ("retired", NOW, LATER)


def test_who_decided_is_kept(operator: User) -> None:
    client = enrolled(accepted=False)
    onboarding.accept(client, actor=operator, now=NOW)
    onboarding.retire(client, actor=operator, now=NOW)
    entries = LogEntry.objects.order_by("pk").values_list("user__username", "change_message")
    assert list(entries) == [("olga", "Accepted."), ("olga", "Retired.")]


def test_a_client_that_comes_back_goes_on_counting() -> None:
    client = enrolled()
    Client.objects.update(manifest_version=41, published_generation=7)
    onboarding.retire(client, actor=None, now=NOW)
    assert onboarding.accept(client, actor=None, now=LATER)
    assert (client.manifest_version, client.published_generation) == (41, 7)
    assert (client.state, client.retired_at) == ("accepted", None)


def test_many_are_accepted_at_once_and_twice_is_once(operator: User) -> None:
    enrolled("dev-1", accepted=False)
    ids = [f"{BASE}/dev-{number}" for number in range(1200)]
    assert onboarding.accept_many(ids, actor=operator, now=NOW) == 1200
    assert onboarding.accept_many(ids, actor=operator, now=LATER) == 0
    assert Client.objects.filter(state="accepted", accepted_at=NOW).count() == 1200
    assert LogEntry.objects.count() == 1200


def test_one_bad_id_among_many_accepts_nobody() -> None:
    with pytest.raises(onboarding.OnboardingRefusedError):
        onboarding.accept_many([f"{BASE}/a", "nonsense"], actor=None, now=NOW)
    assert not Client.objects.exists()
