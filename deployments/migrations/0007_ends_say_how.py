from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F


def say_how(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Lines of history that tell of an end with failures get the kind that says so."""
    events = apps.get_model("deployments", "Event").objects
    events.filter(
        kind="moved",
        to_stage__in=["completed", "rolled_back"],
        deployment__stage=F("to_stage"),
        deployment__status="failed",
    ).update(kind="ended_badly")
    events.filter(kind="batch_ended", sentence__contains=" failed").update(kind="batch_ended_badly")


class Migration(migrations.Migration):
    """Only rows change, and only their kind: the old version shows them in the tone of an end."""

    dependencies = [("deployments", "0006_history_by_time")]

    operations = [migrations.RunPython(say_how, migrations.RunPython.noop)]
