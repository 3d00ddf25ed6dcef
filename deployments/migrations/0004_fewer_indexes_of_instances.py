import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Creating a deployment writes each index once for each target: none is kept that is not read.

    The new ones come first, so that no query of the version that still serves is without one.
    """

    dependencies = [
        ("applications", "0001_initial"),
        ("deployments", "0003_approval_rules_name_something"),
        ("devices", "0002_kind_of_device"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("workload__isnull", False)),
                fields=["workload"],
                name="instance_workload",
            ),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("revision__isnull", False)),
                fields=["revision"],
                name="instance_revision",
            ),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("restore_to__isnull", False)),
                fields=["restore_to"],
                name="instance_restore_to",
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="application",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="applications.application",
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="deployment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="instances",
                to="deployments.deployment",
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="restore_to",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="deployments.revision",
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="revision",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="instances",
                to="deployments.revision",
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="workload",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="instances",
                to="deployments.workload",
            ),
        ),
    ]
