"""Rolling one device back: an ordinary deployment to it alone, of what ran there before."""

import pytest
from django.test import Client as Browser
from django.urls import reverse

from deployments import moves, one_device, past
from deployments.models import ApprovalRule, Deployment, Instance, Workload
from deployments.moves import MoveRefusedError
from deployments.states import Stage
from devices import registry
from devices.models import Client, Device
from tests import cast
from tests.deployments import plant
from tests.deployments.plant import NOON, after

pytestmark = pytest.mark.django_db


def given(device: Device, number: str, at: float, *, works: bool = True, **parameters: int):
    """Rolls a version out to the device, which installs it or fails; answers the deployment."""
    version = plant.ApplicationVersion.objects.filter(version=number).first()
    draft = plant.a_draft([device], version or plant.a_version(number))
    plant.drafting.set_parameters(draft, parameters, actor=None, now=after(at))
    plant.submitting.submit(draft, actor=None, now=after(at))
    moves.start(draft, actor=None, now=after(at))
    plant.tick(draft, after(at))
    if works:
        plant.install(device, after(at + 1))
    else:
        plant.poll(device, after(at + 1))
        plant.fetch(device, after(at + 1))
        plant.tell(device, "failed", error="disk full", now=after(at + 1))
    plant.tick(draft, after(at + 2))
    assert draft.stage == Stage.COMPLETED
    return draft


def back(device: Device, **more: str) -> Deployment:
    return one_device.roll_back(
        Workload.objects.get(device=device).pk, actor=None, now=after(100), **more
    )


def confirmation(device: Device) -> str:
    workload = Workload.objects.get(device=device)
    return reverse("admin:deployments_deployment_one_device", args=[workload.pk])


@pytest.fixture
def device() -> Device:
    return plant.a_device(path="press-4")


@pytest.fixture
def operator() -> Browser:
    return cast.sign_in(cast.operator())


def test_it_gets_the_version_and_the_parameters_of_then(device):
    first = given(device, "1.0.0", 0, speed=20)
    given(device, "2.0.0", 10, speed=30)

    made = back(device)

    assert (made.version, made.parameters) == (first.version, {"speed": 20})
    assert made.content == first.content
    assert (made.stage, made.strategy["kind"]) == (Stage.ROLLING, "immediate")
    assert [one.device for one in Instance.objects.filter(deployment=made)] == [device]
    plant.tick(made, after(100))
    plant.install(device, after(101))
    plant.tick(made, after(102))
    workload = Workload.objects.get()
    assert made.stage == Stage.COMPLETED
    assert workload.installed.version == first.version


def test_the_other_devices_of_the_deployment_are_left_alone(device):
    given(device, "1.0.0", 0)
    other = plant.a_device()
    draft = plant.a_rollout([device, other], plant.a_version("2.0.0"))
    for one in (device, other):
        plant.poll(one)
        plant.fetch(one)
    workload_of_other = Workload.objects.get(device=other)
    for one in (device, other):
        client = Client.objects.get(pk=one.client_id)
        report = plant.reports.Report(plant.Status.INSTALLED, client.manifest_version)
        uid = str(Workload.objects.get(device=one).uid)
        plant.reports.receive(client, uid, report, now=after(20))
    plant.tick(draft, after(21))

    back(device)

    assert Workload.objects.get(pk=workload_of_other.pk).wanted.deployment == draft


def test_what_failed_gives_way_to_what_is_still_installed(device):
    first = given(device, "1.0.0", 0)
    given(device, "2.0.0", 10, works=False)
    made = back(device)
    assert made.version == first.version


def test_it_steps_past_what_was_rolled_back_there(device):
    first = given(device, "1.0.0", 0)
    bad = given(device, "2.0.0", 10)
    moves.roll_back(bad, actor=None, now=after(20))
    plant.tick(bad, after(21))
    plant.poll(device, after(22))
    plant.tell(device, "installed", now=after(22))
    plant.tick(bad, after(23))
    given(device, "3.0.0", 30)
    assert back(device).version == first.version


def test_it_does_not_go_back_to_what_was_rolled_back_there(device):
    given(device, "1.0.0", 0)
    bad = given(device, "2.0.0", 10)
    moves.roll_back(bad, actor=None, now=after(20))
    plant.tick(bad, after(21))
    plant.poll(device, after(22))
    plant.tell(device, "installed", now=after(22))
    plant.tick(bad, after(23))
    with pytest.raises(MoveRefusedError, match="Nothing else of Mixer ran"):
        back(device)


def test_a_device_that_cannot_run_it_any_more_leaves_no_draft_behind(device):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)
    Device.objects.update(properties={**device.properties, "memory": "1Mi"})
    with pytest.raises(MoveRefusedError, match="can run it"):
        back(device)
    assert Deployment.objects.count() == 2


def test_the_reason_and_the_person_stand_in_its_history(device, operator):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)

    answer = operator.post(confirmation(device), {"reason": "Line 4 stutters"}, follow=True)

    made = Deployment.objects.order_by("-pk")[0]
    assert made.name == "press-4 back to Mixer 1.0.0"
    assert answer.redirect_chain[-1][0] == reverse(
        "admin:deployments_deployment_page", args=[made.pk]
    )
    told = made.events.exclude(reason="").get()
    assert (told.reason, told.actor.username) == ("Line 4 stutters", "operator")
    assert "The device press-4 goes back to Mixer 1.0.0" in answer.content.decode()


def test_the_page_says_what_will_happen_and_does_nothing(device, operator):
    given(device, "1.0.0", 0)
    second = given(device, "2.0.0", 10)
    text = operator.get(confirmation(device)).content.decode()
    assert "The device press-4 goes back to Mixer 1.0.0." in text
    assert f"Mixer 2.0.0 from “{second.name}” goes from this device alone." in text
    assert "made and started at once" in text
    assert Deployment.objects.count() == 2


def test_a_rule_is_asked_like_for_any_other(device, operator):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)
    ApprovalRule.objects.create(name="All", more_than=0, created_at=NOON, updated_at=NOON)
    assert "So it waits until somebody else approves it" in (
        operator.get(confirmation(device)).content.decode()
    )

    answer = operator.post(confirmation(device), follow=True)

    made = Deployment.objects.order_by("-pk")[0]
    assert made.stage == Stage.AWAITING_APPROVAL
    assert "” waits for approval. Rule “All”" in answer.content.decode()


def test_it_is_refused_where_nothing_ran_before(device):
    given(device, "1.0.0", 0)
    with pytest.raises(MoveRefusedError, match="Nothing else of Mixer ran on press-4 before"):
        back(device)


def test_it_is_refused_while_another_deployment_holds_the_application(device):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)
    running = plant.a_rollout([device], plant.a_version("3.0.0"))
    with pytest.raises(
        MoveRefusedError, match=r"Rollout is changing Mixer on press-4: wait until it has ended\.$"
    ):
        back(device)
    assert Deployment.objects.order_by("-pk")[0] == running


def test_it_is_refused_for_a_device_that_has_left(device, operator):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)
    registry.remove(Client.objects.get(pk=device.client_id), "press-4", after(20))
    answer = operator.post(confirmation(device), follow=True)
    assert "The device press-4 has left the fleet." in answer.content.decode()
    assert Deployment.objects.count() == 2


def test_it_is_refused_when_something_else_ran_since_it_was_shown(device):
    given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)
    shown = one_device.seen(past.workloads().get())
    given(device, "3.0.0", 20)
    with pytest.raises(MoveRefusedError, match="changed since this was shown"):
        back(device, shown=shown)
    assert Deployment.objects.count() == 3


def test_a_deprecated_version_is_refused(device):
    first = given(device, "1.0.0", 0)
    given(device, "2.0.0", 10)
    plant.ApplicationVersion.objects.filter(pk=first.version_id).update(state="deprecated")
    with pytest.raises(MoveRefusedError, match="Mixer 1.0.0 is deprecated"):
        back(device)
    assert Deployment.objects.count() == 2
