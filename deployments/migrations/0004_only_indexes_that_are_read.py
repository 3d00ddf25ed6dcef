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
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["deployment", "batch"],
                name="instance_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(
                    ("fetched_at__isnull", False),
                    ("state__in", ["installing", "pending", "removing"]),
                ),
                fields=["deployment", "fetched_at"],
                name="instance_fetched",
            ),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(
                    ("fetched_at", None),
                    ("state__in", ["deferred", "installing", "pending", "removing"]),
                ),
                fields=["deployment", "released_at"],
                name="instance_awaited",
            ),
        ),
        migrations.AddIndex(
            model_name="revision",
            index=models.Index(
                condition=models.Q(("replaces", None), _negated=True),
                fields=["replaces"],
                name="revision_replaced_by",
            ),
        ),
        migrations.AddIndex(
            model_name="revision",
            index=models.Index(
                condition=models.Q(("restores", None), _negated=True),
                fields=["restores"],
                name="revision_restored_by",
            ),
        ),
        migrations.AddIndex(
            model_name="workload",
            index=models.Index(fields=["application", "device"], name="workload_by_application"),
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
        migrations.AlterField(
            model_name="revision",
            name="replaces",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="deployments.revision",
            ),
        ),
        migrations.AlterField(
            model_name="revision",
            name="restores",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="deployments.revision",
            ),
        ),
        migrations.AlterField(
            model_name="revision",
            name="version",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="applications.applicationversion",
            ),
        ),
        migrations.AlterField(
            model_name="revision",
            name="workload",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="revisions",
                to="deployments.workload",
            ),
        ),
        migrations.AlterField(
            model_name="workload",
            name="application",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="workloads",
                to="applications.application",
            ),
        ),
        migrations.AlterField(
            model_name="workload",
            name="device",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="workloads",
                to="devices.device",
            ),
        ),
    ]
