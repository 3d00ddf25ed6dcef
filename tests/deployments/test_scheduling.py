"""Starting at a time: the form, the portal's time zone, and taking the time back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from deployments import moves
from deployments.models import Deployment, Event
from tests import cast
from tests.deployments import plant, stages

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready() -> Deployment:
    return plant.a_ready_deployment([plant.a_device()])


def url(deployment: Deployment) -> str:
    return reverse("admin:deployments_deployment_action", args=[deployment.pk, "schedule"])


def post(deployment: Deployment, **posted: str):
    answer = cast.sign_in(cast.operator()).post(url(deployment), posted)
    deployment.refresh_from_db()
    return answer


def in_local_words(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def test_the_time_is_read_in_the_portals_zone(ready, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    tomorrow = (timezone.now() + timedelta(days=1)).replace(
        hour=6, minute=30, second=0, microsecond=0, tzinfo=None
    )
    shown = cast.sign_in(cast.admin()).get(url(ready)).content.decode()
    assert "Europe/Berlin" in shown
    assert 'type="datetime-local"' in shown
    answer = post(ready, at=tomorrow.strftime("%Y-%m-%dT%H:%M"))
    assert answer.status_code == 302
    assert timezone.localtime(ready.start_at).replace(tzinfo=None) == tomorrow
    assert ready.start_at.astimezone(UTC).replace(tzinfo=None) != tomorrow
    assert ready.stage == "ready"
    said = f"Starts by itself on {tomorrow:%-d %b %Y} at 06:30 CE"
    assert Event.objects.first().sentence.startswith(said)


def test_the_page_says_when_it_starts_and_the_time_can_be_taken_back(ready):
    at = timezone.now() + timedelta(hours=3)
    moves.schedule(ready, at, actor=None, now=timezone.now())
    browser = cast.sign_in(cast.viewer())
    page = browser.get(reverse("admin:deployments_deployment_page", args=[ready.pk]))
    assert "It starts by itself in 3 hours." in page.content.decode()
    form = cast.sign_in(cast.admin()).get(url(ready)).content.decode()
    assert f'value="{in_local_words(at)}"' in form
    assert "Take the time back" in form
    post(ready, take_back="yes")
    assert ready.start_at is None
    assert Event.objects.first().actor.username == "operator"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param("", "Choose a day and a time.", id="nothing"),
        pytest.param("tomorrow", "Enter a valid date/time.", id="nonsense"),
        pytest.param("2020-01-01T06:00", "must be in the future, within a year", id="over"),
        pytest.param("2050-01-01T06:00", "must be in the future, within a year", id="far away"),
    ],
)
def test_a_time_that_cannot_be_is_said_beside_the_field_and_changes_nothing(ready, given, problem):
    answer = post(ready, at=given)
    assert problem in answer.content.decode()
    assert f'value="{given}"' in answer.content.decode() or not given
    assert ready.start_at is None


def test_one_that_waits_for_approval_says_that_it_must_be_approved_before():
    waiting = stages.awaiting_approval(plant.a_version())
    text = cast.sign_in(cast.operator()).get(url(waiting)).content.decode()
    assert "if it is approved before" in " ".join(text.split())


def test_an_older_plan_gets_no_time():
    waiting = stages.awaiting_approval(plant.a_version())
    answer = post(waiting, at=in_local_words(timezone.now() + timedelta(hours=3)), plan="older")
    assert answer.status_code == 302
    assert waiting.start_at is None


def test_what_has_started_is_refused_with_a_sentence():
    rolling = stages.rolling(plant.a_version())
    for ask in ("get", "post"):
        browser = cast.sign_in(cast.person(cast.Role.OPERATOR, ask))
        text = getattr(browser, ask)(url(rolling), follow=True).content.decode()
        assert "is possible while it is" in text
