"""The cast, signed in, and what they did."""

import pytest
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.test import Client as Browser

from deployments.models import Deployment
from tests import cast
from tests.deployments import plant
from tests.portal import world
from tests.portal.happenings import happened, minute, noted


@pytest.fixture
def keys(db: None) -> dict[str, int]:
    return world.make()


@pytest.fixture
def viewer(db: None) -> Browser:
    return cast.sign_in(cast.viewer())


@pytest.fixture
def operator(db: None) -> Browser:
    return cast.sign_in(cast.operator())


@pytest.fixture
def admin(db: None) -> Browser:
    return cast.sign_in(cast.admin())


@pytest.fixture
def told() -> dict[str, object]:
    """Six lines: two of a deployment, four of the admin's log, by two people and the engine."""
    ann, bob = cast.person(None, "ann"), cast.person(None, "bob")
    device = plant.a_device(path="press-1")
    rollout = plant.a_draft([device])
    Deployment.objects.filter(pk=rollout.pk).update(name="Mixers")
    happened(rollout, "One: started.", minute(1), ann, reason="line 4 is idle")
    happened(rollout, "Two: a gate.", minute(3), from_stage="rolling", to_stage="gate")
    noted(device, "Three: labels.", minute(2), bob)
    noted(bob, "", minute(4), ann, ADDITION)
    noted(rollout.version, "Five: made deprecated.", minute(4), bob)
    noted(device, "", minute(6), ann, DELETION, name="press-9")
    LogEntry.objects.filter(action_flag=DELETION).update(object_id="999")
    return {"ann": ann, "bob": bob, "device": device, "rollout": rollout}
