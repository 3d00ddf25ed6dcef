"""A database that is busy, full or away: people get a page and a time to try again."""

from collections.abc import Callable

import pytest
from django.db import OperationalError, connection
from django.test import Client as Browser
from django.urls import reverse

from tests import cast

pytestmark = pytest.mark.django_db


def no_writing(
    execute: Callable[..., object],
    sql: str,
    params: object,
    many: bool,
    context: dict[str, object],
) -> object:
    """What a full disk makes of a database: it can be read and not written."""
    if sql.startswith(("INSERT", "UPDATE", "DELETE")):
        message = "database or disk is full"
        raise OperationalError(message)
    return execute(sql, params, many, context)


def no_database(*_: object) -> object:
    """A server that went away."""
    message = "connection refused"
    raise OperationalError(message)


def test_signing_in_with_a_full_disk_is_answered_with_a_page() -> None:
    cast.operator()
    with connection.execute_wrapper(no_writing):
        answer = Browser().post(
            reverse("admin:login"), {"username": "operator", "password": cast.PASSWORD}
        )

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "The database does not answer just now" in answer.content.decode()
    assert "disk is full" not in answer.content.decode()


@pytest.mark.parametrize("route", ["index", "devices_device_changelist"])
def test_a_page_without_a_database_is_answered_with_a_page(route: str) -> None:
    browser = cast.sign_in(cast.viewer())
    with connection.execute_wrapper(no_database):
        answer = browser.get(reverse(f"admin:{route}"))
    assert answer.status_code == 503
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_refusal_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    browser = cast.sign_in(cast.viewer())
    with connection.execute_wrapper(no_database):
        browser.get(reverse("admin:index"))
    assert "GET / found no database" in caplog.text
    assert "connection refused" in caplog.text
