"""A rule that names nothing cannot be; who made a plan before approvals were is its author."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def note_authors(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """An unfinished draft must not be approved by the person who began it."""
    deployment = apps.get_model("deployments", "Deployment")
    drafts = deployment.objects.filter(stage="draft", authors=[]).exclude(created_by=None)
    for pk, person in drafts.values_list("pk", "created_by"):
        deployment.objects.filter(pk=pk).update(authors=[person])


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0001_initial"),
        ("deployments", "0002_rollout_engine"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="approvalrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("more_than__isnull", False),
                    ("application__isnull", False),
                    models.Q(("labels", ""), _negated=True),
                    _connector="OR",
                ),
                name="approval_rule_names_something",
            ),
        ),
        migrations.RunPython(note_authors, migrations.RunPython.noop, elidable=True),
    ]
