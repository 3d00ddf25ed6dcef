"""Style sheets and scripts come from the portal itself, in one piece."""

from pathlib import Path

from django.contrib.staticfiles import finders
from django.test import Client


def test_a_style_sheet_is_sent_whole_with_the_policy_and_its_type():
    answer = Client().get("/static/portal/portal.css")
    assert answer.status_code == 200
    assert not answer.streaming
    assert answer.headers["Content-Type"].startswith("text/css")
    assert answer.content == Path(finders.find("portal/portal.css")).read_bytes()
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_browser_that_has_it_already_gets_no_body():
    first = Client().get("/static/portal/portal.css")
    seen = first.headers["Last-Modified"]
    answer = Client().get("/static/portal/portal.css", headers={"If-Modified-Since": seen})
    assert (answer.status_code, answer.content) == (304, b"")


def test_nothing_outside_the_static_files_is_served():
    for path in ("/static/../manage.py", "/static/%2e%2e/manage.py"):
        answer = Client().get(path)
        assert answer.status_code in {302, 404}
        assert b"DJANGO_SETTINGS_MODULE" not in answer.content
