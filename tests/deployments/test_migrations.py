"""Migrations with rows in the tables, and the version before writing while they are applied."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from deployments.models import Batch, Deployment, Revision
from tests.deployments import plant

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = [("deployments", "0001_initial")]


@pytest.fixture
def first_version():
    """The tables as the first version has them, and its models; the newest ones afterwards."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes("deployments")
    executor.migrate(FIRST)
    yield MigrationExecutor(connection).loader.project_state(FIRST).apps
    MigrationExecutor(connection).migrate(newest)


def migrate_to_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("deployments"))


def a_rollout(models, app_id: str) -> int:
    """What the first version writes for one device that installed it; answers the revision's id."""
    version, device = plant.a_version(app_id=app_id), plant.a_device()
    deployment = models.get_model("deployments", "Deployment").objects.create(
        name="Before",
        version_id=version.pk,
        profile_id="compose",
        stage="completed",
        status="installed",
        created_at=plant.NOON,
        updated_at=plant.NOON,
    )
    models.get_model("deployments", "Batch").objects.create(
        deployment=deployment, number=1, name="All devices", first=1, size=1
    )
    workload = models.get_model("deployments", "Workload").objects.create(
        device_id=device.pk, application_id=version.application_id, reported_at=plant.after(60)
    )
    revision = models.get_model("deployments", "Revision").objects.create(
        workload=workload,
        deployment=deployment,
        version_id=version.pk,
        content="sha256:1",
        created_at=plant.NOON,
    )
    workload.wanted = workload.installed = revision
    workload.save()
    return revision.pk


def test_what_runs_on_a_device_can_be_put_back_after_the_upgrade(first_version):
    pk = a_rollout(first_version, "mixer")
    migrate_to_newest()
    revision = Revision.objects.get(pk=pk)
    assert (revision.installed_at, revision.bad_at) == (plant.after(60), None)
    assert (revision.removal, revision.restores) == (False, None)
    deployment = Deployment.objects.get()
    assert (deployment.gate, deployment.authors, deployment.approval_reasons) == ("", [], [])


def test_the_version_before_goes_on_writing_while_the_tables_are_new_already(first_version):
    migrate_to_newest()
    pk = a_rollout(first_version, "mixer")
    assert not Revision.objects.get(pk=pk).removal
    assert (Batch.objects.get().gate, Batch.objects.get().accepted_failures) == ("", 0)
    assert Deployment.objects.get().authors == []
