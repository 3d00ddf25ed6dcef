"""After an older database was restored, devices know newer manifests than the portal."""

import pytest
from django.core.management import CommandError, call_command

from tests.deployments import plant

pytestmark = pytest.mark.django_db


def test_advanced_counters_give_every_client_a_newer_manifest_with_the_same_content(capsys):
    device = plant.a_device()
    plant.a_rollout([device])
    before = plant.poll(device)
    call_command("advance_manifests", by=1000)
    assert "The counters of 1 clients went up by 1000." in capsys.readouterr().out
    after = plant.poll(device)
    assert after.version == before.version + 1001
    assert plant.poll(device) == after


def test_reports_about_the_newer_manifest_count():
    device = plant.a_device()
    deployment = plant.a_rollout([device])
    plant.poll(device)
    call_command("advance_manifests", by=10)
    plant.install(device)
    assert plant.tick(deployment)[-1] == "Completed: 1 of 1 installed."


@pytest.mark.parametrize("by", [0, -5, 2_000_000_000])
def test_a_number_that_makes_no_sense_is_refused(by):
    with pytest.raises(CommandError, match="between 1 and"):
        call_command("advance_manifests", by=by)
