"""The history of one thing: its own lines alone, reached from its page."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from deployments.models import Deployment, Event
from deployments.nouns import NOUNS
from tests import cast
from tests.deployments import plant
from tests.portal import world

pytestmark = pytest.mark.django_db
PAGE, FILE = "/deployments/event/", "/deployments/event/history.csv"


@pytest.fixture
def operator(db: None) -> Browser:
    return cast.sign_in(cast.operator())


def noted(thing: Model, said: str, by: User) -> LogEntry:
    kind = ContentType.objects.get_for_model(thing)
    return LogEntry.objects.create(
        user=by,
        content_type=kind,
        object_id=str(thing.pk),
        object_repr=str(thing),
        action_flag=CHANGE,
        change_message=said,
        action_time=plant.after(thing.pk),
    )


def happened(to: Deployment, sentence: str) -> Event:
    at = plant.NOON + timedelta(seconds=to.pk)
    return Event.objects.create(deployment=to, kind="moved", sentence=sentence, at=at)


def said(browser: Browser, query: str) -> set[str]:
    return {row.line.sentence for row in browser.get(f"{PAGE}?{query}").context["rows"]}


def test_two_deployments_of_one_name_do_not_mix(operator):
    version = plant.a_version()
    first, second = (plant.a_draft([], version) for _ in range(2))
    assert first.name == second.name
    Event.objects.all().delete()
    happened(first, "First.")
    happened(second, "Second.")
    noted(second, "Third.", cast.person(None, "ann"))
    assert said(operator, f"object=deployment-{first.pk}") == {"First."}
    assert said(operator, f"object=deployment-{second.pk}") == {"Second.", "Third."}
    assert said(operator, f"object=deployment-{second.pk}&who=engine") == {"Second."}
    assert said(operator, f"object=deployment-{second.pk}&kind=device") == set()


def test_things_of_other_kinds_with_the_same_number_do_not_mix(operator):
    ann, device = cast.person(None, "ann"), plant.a_device()
    rollout = plant.a_draft([device])
    Event.objects.all().delete()
    happened(rollout, "Of the deployment.")
    noted(device, "Of the device.", ann)
    noted(device.client, "Of the client.", ann)
    LogEntry.objects.update(object_id=str(rollout.pk))
    assert said(operator, f"object=device-{rollout.pk}") == {"Of the device."}
    assert said(operator, f"object=deployment-{rollout.pk}") == {"Of the deployment."}


def test_the_chip_names_it_and_goes_with_a_click(operator):
    device = plant.a_device(path="press-1")
    noted(device, "Labels.", cast.person(None, "ann"))
    query = f"object=device-{device.pk}&kind=device"
    answer = operator.get(f"{PAGE}?{query}")
    chip = next(one for one in answer.context["chips"] if one.label == "About")
    assert (chip.words, chip.query) == ("Device press-1", "?kind=device")
    assert f'name="object" value="device-{device.pk}"' in answer.content.decode()
    file = b"".join(operator.get(f"{FILE}?{query}").streaming_content).decode()
    assert len(file.splitlines()) == 2


def test_what_is_gone_keeps_its_history(operator):
    device = plant.a_device(path="press-1")
    noted(device, "Labels.", cast.person(None, "ann"))
    LogEntry.objects.update(object_id="999")
    answer = operator.get(f"{PAGE}?object=device-999")
    assert [row.line.sentence for row in answer.context["rows"]] == ["Labels."]
    assert answer.context["chips"][0].words == "Device number 999, which is gone"


@pytest.mark.parametrize(
    "value", ["moon-1", "device", "device-", "device--1", "device-1e3", "x" * 500]
)
def test_what_names_no_thing_is_ignored(operator, value):
    noted(plant.a_device(), "Labels.", cast.person(None, "ann"))
    answer = operator.get(PAGE, {"object": value})
    assert not answer.context["chips"]
    assert len(answer.context["rows"]) == 1


@pytest.mark.parametrize("noun", NOUNS)
def test_each_page_leads_to_its_own_history(noun):
    made = world.make()
    address = NOUNS[noun].address(made[noun])
    browser = cast.sign_in(cast.admin())
    link = f'href="{PAGE}?object={noun}-{made[noun]}"'
    assert link in browser.get(address).content.decode()
    assert browser.get(f"{PAGE}?object={noun}-{made[noun]}").context["chips"]


@pytest.mark.parametrize("noun", ["deployment", "application", "version", "device", "group"])
def test_who_may_not_see_the_history_gets_no_link(noun):
    made = world.make()
    text = cast.sign_in(cast.viewer()).get(NOUNS[noun].address(made[noun])).content.decode()
    assert f"{PAGE}?object=" not in text


def test_the_history_of_one_thing_costs_the_same_however_long(operator):
    rollout, ann = plant.a_draft([]), cast.person(None, "ann")
    costs = []
    for number in (3, 27):
        for _ in range(number):
            happened(rollout, "Again.")
            noted(rollout, "Once more.", ann)
        with CaptureQueriesContext(connection) as seen:
            operator.get(f"{PAGE}?object=deployment-{rollout.pk}")
        costs.append(len(seen))
    assert costs[0] == costs[1]
