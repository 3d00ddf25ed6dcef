"""What each page of the table of doors asks of the database: at most twenty questions, for each
role, and as many with many rows as with few."""

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from deployments.models import Deployment
from tests import cast
from tests.portal import crowd, visits, world

pytestmark = pytest.mark.django_db

MOST = 20
FEW, MANY = 2, 12


def asked(browser: Browser, address: str) -> int:
    """How many queries it takes to the last byte."""
    with CaptureQueriesContext(connection) as seen:
        answer = browser.get(address)
        if answer.streaming:
            b"".join(answer)
    return len(seen)


def costs(
    role: Role, keys: dict[str, int], rollout: Deployment, more: dict[str, str]
) -> dict[str, int]:
    """What the role's pages ask, those of a deployment for a draft and for one under way."""
    browser = cast.sign_in(User.objects.filter(groups__name=role).first() or cast.person(role))
    table = visits.of_the_table(role, keys)
    moving = visits.of_the_table(role, keys | {"deployment": rollout.pk})
    table |= {f"{name}, under way": at for name, at in moving.items() if at != table[name]}
    browser.get(visits.at("index"))  # What is asked once for each process is not counted.
    return {name: asked(browser, address) for name, address in (table | more).items()}


def test_no_page_asks_the_database_more_than_twenty_times() -> None:
    keys = world.make()
    rollout = crowd.gather(keys, MANY)
    more = visits.asked_for(keys) | visits.of_departures() | visits.of_stages()

    found = {
        f"{role}: {name}": number
        for role in Role
        for name, number in costs(role, keys, rollout, more).items()
    }

    assert {name: number for name, number in found.items() if number > MOST} == {}


def test_no_page_asks_more_often_because_there_is_more() -> None:
    keys, found = world.make(), []
    for first, number in ((0, FEW), (FEW, MANY)):
        rollout = crowd.gather(keys, number, first)
        found.append(costs(Role.ADMIN, keys, rollout, visits.asked_for(keys)))

    few, many = found
    assert {name: (few[name], number) for name, number in many.items() if number > few[name]} == {}
