"""Lines of the history: what happened to deployments, and what the admin's log says."""

from datetime import UTC, datetime, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from accounts.models import User
from deployments.models import Deployment, Event
from tests import cast
from tests.deployments import plant

PAGE, FILE = "/deployments/event/", "/deployments/event/history.csv"
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def minute(number: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=number)


def happened(to: Deployment, sentence: str, at: datetime, by: User | None = None, **more) -> Event:
    """An event of a deployment."""
    values = {"kind": "moved", "from_stage": "ready", "to_stage": "rolling", **more}
    return Event.objects.create(deployment=to, sentence=sentence, at=at, actor=by, **values)


def noted(
    thing: Model, said: str, at: datetime, by: User, flag: int = CHANGE, name: str = ""
) -> LogEntry:
    """An entry of the admin's log."""
    return LogEntry.objects.create(
        user=by,
        content_type=ContentType.objects.get_for_model(thing),
        object_id=str(thing.pk),
        object_repr=name or str(thing),
        action_flag=flag,
        change_message=said,
        action_time=at,
    )


def many(number: int, at: datetime = START) -> None:
    """So many events and so many entries, two of each at the same moment."""
    person = cast.person(None, f"p{number}")
    device = plant.a_device()
    rollout = plant.a_draft([device], plant.a_version(app_id=f"app-{number}"))
    for index in range(number):
        when = at + timedelta(seconds=index // 2)
        happened(rollout, f"e{index}", when, person)
        noted(device, f"a{index}", when, person)
