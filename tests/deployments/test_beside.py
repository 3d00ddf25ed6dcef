"""A large deployment is being created: what happens in another one meanwhile does not wait for it.

A submit reads and judges the fleet first and writes afterwards. SQLite lets one writer in at a
time, so there the others wait while it writes, and only then.
"""

import pytest
from django.db import transaction

from deployments import engine, submitting
from deployments.models import Deployment, Instance
from tests.deployments import plant, stages
from tests.deployments.plant import after
from tests.deployments.racing import at_once, first_waits, in_between, on_postgresql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("place", "guarded"),
    [
        pytest.param("arrange", True, id="while it reads"),
        pytest.param("_preview", True, id="while it judges"),
        pytest.param("freeze", True, id="while it writes"),
        pytest.param("_preview", False, id="had it begun to write before"),
    ],
)
def test_another_one_is_undone_at_once(place, guarded, monkeypatch):
    device = plant.a_device()
    running = plant.a_rollout([device], rollback_count=0)
    plant.poll(device)
    plant.fetch(device)
    large = plant.a_draft(plant.a_fleet(50), plant.a_version(app_id="pump"))
    seen_meanwhile: list[str] = []
    reached, go_on = first_waits(monkeypatch, submitting, place)

    def submit() -> None:
        if guarded:
            submitting.submit(large, actor=None, now=plant.NOON)
            return
        with transaction.atomic():
            Deployment.objects.filter(pk=large.pk).update(updated_at=plant.NOON)
            submitting.submit(large, actor=None, now=plant.NOON)

    def fail_and_look() -> None:
        stages.fail(device, now=after(1))
        engine.tick(running.pk, now=after(1))
        held_up = Instance.objects.filter(deployment=large).exists()
        seen_meanwhile.append("later" if held_up else "at once")

    outcomes = at_once(submit, in_between(reached, go_on, fail_and_look))
    assert outcomes == [None, None]
    running.refresh_from_db()
    assert running.stage == "rolling_back"
    assert plant.states_of(large) == {"queued": 50}
    writing = place == "freeze" or not guarded
    assert seen_meanwhile == (["at once"] if on_postgresql() or not writing else ["later"])
