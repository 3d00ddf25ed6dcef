"""The log of a portal that people use: a line for a refusal, a traceback for a defect."""

import io
import logging

import pytest

from tests import cast


@pytest.fixture
def log():
    """What the console handler writes."""
    console = next(one for one in logging.getLogger().handlers if one.name == "console")
    written = io.StringIO()
    before = console.setStream(written)
    yield written
    console.setStream(before)


@pytest.mark.django_db
def test_a_forbidden_page_is_one_line(log):
    assert cast.sign_in(cast.viewer()).get("/accounts/user/").status_code == 403
    assert log.getvalue().count("\n") == 1
    assert "Traceback" not in log.getvalue()


@pytest.mark.django_db
def test_a_wrong_host_is_one_line(log):
    assert cast.sign_in(cast.viewer()).get("/", headers={"host": "evil.example"}).status_code == 400
    assert "evil.example" in log.getvalue()
    assert "Traceback" not in log.getvalue()


def test_a_defect_keeps_its_traceback(log):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        logging.getLogger("django.request").exception("It broke")
    assert "Traceback" in log.getvalue()
