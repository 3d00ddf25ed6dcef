"""The page of one deployment: everything on it without a script, and what its buttons do."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from deployments import frames, moves, submitting
from deployments.models import Deployment, Event, Instance
from deployments.states import Action
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db


def page_url(deployment: Deployment, query: str = "") -> str:
    return reverse("admin:deployments_deployment_page", args=[deployment.pk]) + query


def action_url(deployment: Deployment, action: str) -> str:
    return reverse("admin:deployments_deployment_action", args=[deployment.pk, action])


def stage_of(deployment: Deployment) -> str:
    deployment.refresh_from_db()
    return deployment.stage


def test_without_a_script_the_page_says_everything():
    good, bad = plant.a_device(path="good"), plant.a_device(path="bad")
    rollout = plant.a_rollout([good, bad])
    plant.install(good)
    plant.poll(bad)
    plant.fetch(bad)
    plant.tell(bad, "failed", error="image pull failed")
    text = cast.sign_in(cast.viewer()).get(page_url(rollout)).content.decode()
    for words in (
        "Rolling out",
        "Installing",
        "<strong>1</strong> of 2 installed",
        'aria-label="Progress: 1 installed, 1 failed, of 2"',
        "All devices",
        "good",
        "The device reported a failure: image pull failed",
        "Speed",
        "(default)",
        "Immediate",
        "2 devices chosen by hand",
        "Started for 2 devices.",
        "Lineside",
        "As of",
    ):
        assert words in text, words


def test_the_margo_status_stands_with_the_configuration_and_does_not_contradict_the_badge():
    text = cast.sign_in(cast.viewer()).get(page_url(plant.a_rollout([plant.a_device()]))).content
    head, card = text.decode().split('id="configuration-title"')
    assert "Margo status" not in head
    assert "<dt>Margo status</dt><dd><span data-status>Installing</span>" in card


def test_trouble_of_the_engine_is_shown():
    rollout = plant.a_rollout([plant.a_device()])
    Deployment.objects.filter(pk=rollout.pk).update(trouble="It stumbled over a stone.")
    text = cast.sign_in(cast.viewer()).get(page_url(rollout)).content.decode()
    assert "It stumbled over a stone." in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param("", {"press", "pump"}, id="all"),
        pytest.param("?state=failed", {"pump"}, id="by state"),
        pytest.param("?q=press", {"press"}, id="by name"),
        pytest.param("?q=no+such+image", {"pump"}, id="by error"),
        pytest.param("?state=failed&q=press", set(), id="both"),
        pytest.param("?state=nonsense", {"press", "pump"}, id="a state nobody knows"),
    ],
)
def test_the_table_of_devices_is_filtered_and_searched(query, shown):
    press, pump = plant.a_device(path="press"), plant.a_device(path="pump")
    rollout = plant.a_rollout([press, pump])
    plant.poll(pump)
    plant.fetch(pump)
    plant.tell(pump, "failed", error="no such image")
    answer = cast.sign_in(cast.viewer()).get(page_url(rollout, query))
    assert {instance.device.path for instance, _ in answer.context["rows"]} == shown


def test_a_state_without_devices_has_its_tab_ready_but_hidden():
    text = page_text(plant.a_rollout([plant.a_device()]))
    assert '<a href="?state=failed" hidden' in text
    assert '<a href="?state=pending" hidden' not in text


def page_text(deployment: Deployment) -> str:
    text = cast.sign_in(cast.viewer()).get(page_url(deployment)).content.decode()
    return " ".join(text.split())


def test_a_page_is_told_when_its_devices_are_others_now():
    ready = plant.a_ready_deployment([plant.a_device()])
    before = frames.snapshot(ready.pk, [], now=plant.NOON)
    moves.reopen(ready, actor=None, now=plant.NOON)
    after = frames.snapshot(ready.pk, [], now=plant.NOON)
    assert before is not None
    assert after is not None
    assert before["deployment"]["layout"] != after["deployment"]["layout"]


def test_a_page_is_told_when_the_plan_is_another_for_as_many_devices():
    ready = plant.a_ready_deployment([plant.a_device()])
    before = frames.snapshot(ready.pk, [], now=plant.NOON)
    moves.reopen(ready, actor=None, now=plant.NOON)
    submitting.submit(ready, actor=None, now=plant.NOON)
    after = frames.snapshot(ready.pk, [], now=plant.NOON)
    assert before is not None
    assert after is not None
    assert before["deployment"]["layout"] != after["deployment"]["layout"]


def test_a_hundred_devices_on_a_page():
    client = plant.a_client()
    devices = [plant.a_device(client, f"child-{number:03}") for number in range(101)]
    rollout = plant.a_rollout(devices)
    browser = cast.sign_in(cast.viewer())
    assert len(browser.get(page_url(rollout)).context["rows"]) == 100
    assert len(browser.get(page_url(rollout, "?p=2")).context["rows"]) == 1


@pytest.mark.parametrize("batch", [100, 1], ids=["devices", "batches"])
def test_more_devices_or_batches_cost_no_more_queries(batch):
    version, browser = plant.a_version(), cast.sign_in(cast.operator())
    pages, parts = [], []
    for number in (2, 30):
        devices = [plant.a_device() for _ in range(number)]
        rollout = plant.a_rollout(
            devices, version, kind="rolling", batch_by="size", batch_size=batch
        )
        with CaptureQueriesContext(connection) as seen:
            browser.get(page_url(rollout))
        pages.append(len(seen))
        with CaptureQueriesContext(connection) as seen:
            frames.snapshot(rollout.pk, [], now=plant.NOON)
        parts.append(len(seen))
    assert pages[0] == pages[1]
    assert parts[0] == parts[1] <= 5


def test_start_starts():
    ready = plant.a_ready_deployment([plant.a_device()])
    person = cast.operator()
    answer = cast.sign_in(person).post(action_url(ready, "start"))
    assert answer.url == page_url(ready)
    assert stage_of(ready) == "rolling"
    assert Event.objects.get(to_stage="rolling").actor == person


def test_edit_opens_a_ready_deployment_again():
    ready = plant.a_ready_deployment([plant.a_device()])
    answer = cast.sign_in(cast.operator()).post(action_url(ready, "edit"))
    assert "/step/" in answer.url
    assert stage_of(ready) == "draft"


def test_cancel_says_first_what_will_happen_to_how_many_devices_and_keeps_the_reason():
    installed, waiting = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([installed, waiting])
    plant.install(installed)
    browser = cast.sign_in(cast.operator())
    text = browser.get(action_url(rollout, "cancel")).content.decode()
    assert "1 device has installed it and keeps it." in text
    assert "1 device does not know about it yet: it is taken back." in text
    assert stage_of(rollout) == "rolling"
    browser.post(action_url(rollout, "cancel"), {"reason": "line 4 is in maintenance"})
    assert stage_of(rollout) == "cancelling"
    assert "line 4 is in maintenance" in browser.get(page_url(rollout)).content.decode()


def test_delete_of_a_finished_deployment_keeps_its_page_and_offers_nothing_more():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    plant.tick(rollout)
    browser = cast.sign_in(cast.operator())
    assert (
        "1 device keeps the application."
        in browser.get(action_url(rollout, "delete")).content.decode()
    )
    assert browser.post(action_url(rollout, "delete")).url == "/deployments/deployment/"
    answer = browser.get(page_url(rollout))
    assert "Deleted from the lists" in answer.content.decode()
    assert not any(button.available for button in answer.context["buttons"])


def test_delete_of_a_draft_leaves_nothing():
    draft = plant.a_draft([plant.a_device()])
    browser = cast.sign_in(cast.operator())
    assert "The draft goes for good." in browser.get(action_url(draft, "delete")).content.decode()
    browser.post(action_url(draft, "delete"))
    assert not Deployment.objects.exists()
    assert browser.get(page_url(draft)).status_code == 404


@pytest.mark.parametrize("action", [action.value for action in Action])
def test_a_viewer_may_do_nothing(action):
    ready = plant.a_ready_deployment([plant.a_device()])
    browser = cast.sign_in(cast.viewer())
    assert browser.get(action_url(ready, action)).status_code == 403
    assert browser.post(action_url(ready, action)).status_code == 403
    assert stage_of(ready) == "ready"


def test_an_action_nobody_knows_is_not_found():
    ready = plant.a_ready_deployment([plant.a_device()])
    assert cast.sign_in(cast.admin()).post(action_url(ready, "explode")).status_code == 404


def test_the_slow_poll_answers_the_frame_of_the_rows_that_are_asked_for():
    device, other = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([device, other])
    row = Instance.objects.get(device=device)
    url = reverse("admin:deployments_deployment_live", args=[rollout.pk])
    browser = cast.sign_in(cast.viewer())
    frame = browser.get(f"{url}?rows={row.pk},x,{'9' * 40}").json()
    assert frame["kind"] == "snapshot"
    assert [one["id"] for one in frame["instances"]] == [row.pk]
    assert frame["deployment"]["words"] == "Rolling out"
    assert cast.sign_in(cast.person(None)).get(url).status_code == 302


def test_rows_of_another_deployment_are_not_given_away():
    version = plant.a_version()
    mine, other = (plant.a_rollout([plant.a_device()], version) for _ in range(2))
    foreign = Instance.objects.get(deployment=other)
    frame = frames.snapshot(mine.pk, [foreign.pk], now=plant.NOON)
    assert frame is not None
    assert frame["instances"] == []


def test_the_first_paint_and_the_frame_say_the_same():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.install(device)
    plant.tick(rollout)
    text = cast.sign_in(cast.viewer()).get(page_url(rollout)).content.decode()
    frame = frames.snapshot(rollout.pk, [], now=plant.NOON + timedelta(hours=1))
    assert frame is not None
    for name, html in frame["parts"].items():
        assert html in text, name


def test_what_a_device_says_is_text_and_never_markup():
    device = plant.a_device()
    rollout = plant.a_rollout([device])
    plant.poll(device)
    plant.fetch(device)
    plant.tell(device, "failed", error="<img src=x onerror=alert(1)>")
    text = cast.sign_in(cast.viewer()).get(page_url(rollout)).content.decode()
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_the_page_keeps_the_strict_policy():
    answer = cast.sign_in(cast.admin()).get(page_url(plant.a_rollout([plant.a_device()])))
    text = answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert " style=" not in text
    assert "onclick" not in text
