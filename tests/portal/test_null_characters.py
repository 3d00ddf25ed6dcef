"""A NUL in what a browser sends: no text has one, and not every database keeps one."""

import pytest
from django.urls import reverse

from deployments.models import Deployment
from tests import cast
from tests.deployments import plant

pytestmark = pytest.mark.django_db


def test_it_is_refused_and_changes_nothing():
    rollout = plant.a_rollout([plant.a_device()])
    browser = cast.sign_in(cast.operator())
    page = reverse("admin:deployments_deployment_page", args=[rollout.pk])
    pause = reverse("admin:deployments_deployment_action", args=[rollout.pk, "pause"])
    assert browser.get(page, {"q": "a\0b"}).status_code == 400
    assert browser.post(pause, {"reason": "a\0b"}).status_code == 400
    assert Deployment.objects.get().stage == "rolling"
    assert browser.get(page, {"q": "a b"}).status_code == 200
