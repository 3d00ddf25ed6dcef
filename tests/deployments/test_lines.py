"""The lines of the list while rollouts run: the same template, one query, only what was asked."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import lines, moves
from deployments.models import Deployment
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db
LIST = "/deployments/deployment/"
LIVE = f"{LIST}live.json"


@pytest.fixture
def browser():
    return cast.sign_in(cast.viewer())


def asked(browser, *deployments: Deployment) -> dict:
    ids = ",".join(str(one.pk) for one in deployments)
    answer = browser.get(f"{LIVE}?ids={ids}")
    assert "no-store" in answer["Cache-Control"]
    return answer.json()


@pytest.mark.parametrize("page", [LIST, "/"], ids=["the list", "the overview"])
def test_a_line_that_follows_is_painted_as_it_was_first(browser, page, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: plant.after(90))
    rollout = plant.a_rollout([plant.a_device()])
    text = browser.get(page).content.decode()
    assert asked(browser, rollout)["lines"][str(rollout.pk)] in text
    assert f'data-lines-note="{reverse("admin:deployments_deployment_lines")}?' in text
    assert "data-moving" in text


def test_a_line_follows_what_devices_and_people_do(browser):
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    first = asked(browser, rollout)
    assert "0/1 successful" in first["lines"][str(rollout.pk)]
    assert first["moving"] is True
    plant.install(device)
    plant.tick(rollout, plant.after(5))
    after = asked(browser, rollout)
    assert "1/1 successful" in after["lines"][str(rollout.pk)]
    assert "Completed" in after["lines"][str(rollout.pk)]
    assert after["moving"] is False
    assert "As of" in after["note"]


def test_a_page_gets_the_lines_that_it_shows_and_no_others(browser):
    version = plant.a_version()
    mine, _other = (plant.a_rollout([plant.a_device()], version) for _ in range(2))
    assert set(asked(browser, mine)["lines"]) == {str(mine.pk)}
    assert browser.get(f"{LIVE}?ids=x,,-1,{'9' * 40}").json()["lines"] == {}
    assert browser.get(LIVE).json()["lines"] == {}


def test_a_deleted_deployment_has_no_line(browser):
    rollout = plant.a_ready_deployment([plant.a_device()])
    moves.cancel(rollout, actor=None, now=plant.NOON)
    moves.delete(rollout, actor=None, now=plant.NOON)
    assert asked(browser, rollout)["lines"] == {}


def test_nobody_asks_for_more_than_a_page_shows(browser, monkeypatch):
    monkeypatch.setattr(lines, "PER_PAGE", 2)
    version = plant.a_version()
    found = [plant.a_draft([], version) for _ in range(3)]
    assert len(asked(browser, *found)["lines"]) == 2


def test_all_lines_are_one_query(browser):
    version = plant.a_version()
    found = [plant.a_ready_deployment([plant.a_device()], version) for _ in range(30)]
    costs = []
    for some in (found[:3], found):
        with CaptureQueriesContext(connection) as seen:
            asked(browser, *some)
        tables = ("deployments_", "applications_")
        costs.append(sum(any(name in one["sql"] for name in tables) for one in seen))
    assert costs == [1, 1]


@pytest.mark.parametrize("name", stages.MADE)
def test_what_moves_by_itself_is_followed(name):
    stage, make = stages.MADE[name]
    follows = {"rolling", "gate", "held", "paused", "cancelling", "rolling_back"}
    assert lines.line(make(plant.a_version())).moving is (stage.value in follows)


def test_a_start_that_was_set_is_followed():
    ready = plant.a_ready_deployment([plant.a_device()])
    Deployment.objects.filter(pk=ready.pk).update(start_at=plant.after(60))
    ready.refresh_from_db()
    assert lines.line(ready).moving


def test_who_may_see_no_deployments_gets_no_lines():
    assert cast.sign_in(cast.person(None)).get(LIVE).status_code == 302


def test_skipped_devices_are_not_missing(browser):
    small = plant.a_device(memory="512Mi")
    good = plant.a_device()
    rollout = plant.a_rollout([good, small])
    plant.install(good)
    plant.tick(rollout)
    line = asked(browser, rollout)["lines"][str(rollout.pk)]
    assert "1/1 successful, 1 skipped" in line
    url = reverse("admin:deployments_deployment_page", args=[rollout.pk])
    assert "<strong>1</strong> of 1 installed, 1 skipped" in browser.get(url).content.decode()


def test_the_list_can_be_sorted_by_creation(browser):
    version = plant.a_version()
    old, new = (plant.a_draft([], version) for _ in range(2))
    Deployment.objects.filter(pk=new.pk).update(created_at=plant.after(60))
    for order, first in (("created", old), ("-created", new)):
        answer = browser.get(f"{LIST}?o={order}&q=Rollout")
        assert answer.context["lines"][0].deployment == first
        assert f'href="?o={order}&amp;q=Rollout"' in answer.content.decode()


def test_stage_and_status_are_told_apart(browser):
    held = stages.held(plant.a_version())
    line = asked(browser, held)["lines"][str(held.pk)]
    assert "Held" in line
    assert "Margo status: installing" in line
