"""What deployments add to the page of a version: who can run it, where it runs, what would end."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from deployments import compatibility, moves, targeting
from deployments.moves import MoveRefusedError
from devices.models import Device
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db

SMALL = "needs 1 GiB of memory, the device reports 512 MiB"


def page(version) -> str:
    address = reverse("admin:applications_applicationversion_change", args=[version.pk])
    viewer = User.objects.filter(username="viewer").first() or cast.viewer()
    return " ".join(cast.sign_in(viewer).get(address).content.decode().split())


def deprecation(version) -> str:
    address = reverse(
        "admin:applications_applicationversion_state", args=[version.pk, "deprecated"]
    )
    return " ".join(cast.sign_in(cast.admin()).get(address).content.decode().split())


def asking_for(version, key: str, values: list[str]) -> None:
    expression = {"key": key, "operator": "In", "values": values}
    rule = {"propertySelector": {"matchExpressions": [expression]}}
    profile = {**version.profiles[0], "deviceConstraints": {"eligibilityRules": [rule]}}
    type(version).objects.filter(pk=version.pk).update(profiles=[profile])
    version.refresh_from_db()


def test_a_version_says_how_many_devices_can_run_it_and_why_others_cannot():
    version = plant.a_version()
    for memory in ("4Gi", "4Gi", "8Gi", "512Mi", "512Mi"):
        plant.a_device(memory=memory)
    silent = plant.a_device(path="silent")
    Device.objects.filter(pk=silent.pk).update(properties=None)
    plant.a_device(plant.a_client("stranger", state="pending"))
    gone = plant.a_device()
    Device.objects.filter(pk=gone.pk).update(removed_at=plant.NOON)

    (found,), rare = compatibility.of(version)

    assert (found.fitting, found.total, found.unfit, rare) == (3, 7, 4, 0)
    assert {reason.words: reason.number for reason in found.shown} == {
        SMALL: 2,
        "has not reported its capabilities yet": 1,
        "its client is pending, not accepted": 1,
    }
    text = page(version)
    assert "<strong>3</strong> of 7 devices can run it." in text
    assert SMALL in text
    assert f'href="{reverse("admin:devices_device_change", args=[silent.pk])}">silent</a>' in text


def test_the_numbers_are_those_of_the_wizard():
    version = plant.a_version()
    for number, memory in enumerate(("4Gi", "512Mi", "2Gi", "1Gi", "256Mi", "junk")):
        plant.a_device(memory=memory, line=str(number % 2))
    plant.a_device(plant.a_client("stranger", state="retired"))

    (found,), _ = compatibility.of(version)

    judged = targeting.judge(Device.objects.present(), version, "compose")
    assert (found.fitting, found.unfit) == (judged.fitting, len(judged.misfits))
    assert {one.words for one in found.reasons} == {"; ".join(m.reasons) for m in judged.misfits}


def test_the_cost_does_not_grow_with_the_fleet():
    version = plant.a_version()

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            compatibility.of(version)
        return len(seen)

    plant.a_fleet(3)
    few = cost()
    plant.a_fleet(60)
    (found,), _ = compatibility.of(version)
    assert cost() == few == 2
    assert found.fitting == 65


def test_only_the_kinds_of_most_devices_are_judged_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(compatibility, "MOST_KINDS", 1)
    for memory in ("4Gi", "8Gi", "4Gi"):
        plant.a_device(memory=memory)
    version = plant.a_version()

    (found,), rare = compatibility.of(version)

    assert (found.fitting, found.total, rare) == (2, 2, 1)
    assert "1 more device of rare kinds was not looked at." in page(version)


def test_the_reasons_of_most_devices_are_shown_and_the_others_counted(monkeypatch):
    monkeypatch.setattr(compatibility, "MOST_REASONS", 1)
    for memory in ("512Mi", "256Mi", "512Mi"):
        plant.a_device(memory=memory)
    (found,), _ = compatibility.of(plant.a_version())
    assert [(one.words, one.number) for one in found.shown] == [(SMALL, 2)]
    assert found.more == 1


def test_a_profile_for_particular_devices_is_not_judged_by_kind():
    version = plant.a_version()
    plant.a_device(path="one")
    plant.a_device(path="two")
    asking_for(version, "/id", ["one"])
    assert "picks devices one by one" in page(version)


def test_a_version_for_an_empty_fleet_says_so():
    assert "There is no device in the fleet yet." in page(plant.a_version())


def test_a_version_says_where_it_runs_and_not_where_another_does():
    old, new = plant.a_version("1.0.0"), plant.a_version("2.0.0")
    device, other = plant.a_device(), plant.a_device()
    rollout = plant.a_rollout([device], old)
    plant.install(device)
    plant.a_rollout([other], new)

    text = page(old)

    assert reverse("admin:deployments_deployment_page", args=[rollout.pk]) in text
    assert '<th scope="row">1.0.0</th><td class="number">1</td>' in text
    assert "2.0.0" not in text
    assert f"?application={old.application_id}&amp;q=1.0.0" in text
    assert "No device has reported it installed." in page(new)


def test_deprecating_names_what_runs_and_what_cannot_be_started_any_more():
    version = plant.a_version()
    device = plant.a_device()
    plant.a_rollout([device], version)
    plant.install(device)
    waiting = plant.a_ready_deployment([plant.a_device()], version)

    text = deprecation(version)

    assert "<strong>1 device</strong> reports it installed." in text
    assert "<strong>1 deployment</strong> of it has not started" in text
    assert reverse("admin:deployments_deployment_page", args=[waiting.pk]) in text
    type(version).objects.filter(pk=version.pk).update(state="deprecated")
    waiting.version.refresh_from_db()
    with pytest.raises(MoveRefusedError, match="deprecated"):
        moves.start(waiting, actor=None, now=plant.NOON)


def test_deprecating_what_runs_nowhere_says_so():
    text = deprecation(plant.a_version())
    assert "No device reports it installed." in text
    assert "not started" not in text
