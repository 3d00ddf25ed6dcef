"""A NUL in what a browser sends: no text has one, and not every database keeps one."""

import pytest
from django.urls import reverse

from deployments.models import Deployment
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db


def test_it_is_left_out_of_a_reason_and_of_what_is_searched_for():
    rollout = plant.a_rollout([plant.a_device(path="press-1")])
    browser = cast.sign_in(cast.operator())
    page = reverse("admin:deployments_deployment_page", args=[rollout.pk])
    assert "press-1" in browser.get(page, {"q": "pre\0ss"}).content.decode()
    pause = reverse("admin:deployments_deployment_action", args=[rollout.pk, "pause"])
    browser.post(pause, {"reason": "a\0b"})
    assert Deployment.objects.get().stage == "paused"
    assert rollout.events.filter(reason="ab").exists()


@pytest.mark.parametrize("step", [1, 2])
def test_the_wizard_takes_it_as_well(step):
    draft = plant.a_draft([plant.a_device(path="press-1")])
    browser = cast.sign_in(cast.operator())
    address = reverse("admin:deployments_deployment_step", args=[draft.pk, step])
    assert browser.get(address, {"q": "pre\0ss"}).status_code == 200
    posted = {"q": "\0", "labels": "a\0b=c", "name": "A\0", "go": "next"}
    assert browser.post(address, posted).status_code in {200, 302}


def test_the_lists_take_it_as_well():
    plant.a_draft([plant.a_device()])
    browser = cast.sign_in(cast.operator())
    for name in (
        "deployments_deployment",
        "deployments_event",
        "devices_device",
        "devices_client",
    ):
        address = reverse(f"admin:{name}_changelist")
        assert browser.get(address, {"q": "a\0b"}, follow=True).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"labels": "si\0te=ber\0lin"},
        {"key": "si\0te"},
        {"key": "site", "value": "site=ber\0lin"},
        {"ticked": "1", "ids": "\0"},
    ],
)
def test_the_filters_of_devices_and_their_labels_take_it_as_well(query):
    plant.a_device(path="press-1", site="berlin")
    browser = cast.sign_in(cast.operator())
    answer = browser.get(reverse("admin:devices_device_changelist"), query, follow=True)
    assert answer.status_code == 200
    page = reverse("admin:devices_device_labels")
    assert browser.get(page, query, follow=True).status_code == 200
    wish = {"how": "add", "labels": "a=b\0c"}
    assert "Null characters are not allowed" in browser.post(page, wish).content.decode()
