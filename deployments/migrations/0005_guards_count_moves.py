from django.db import migrations, models


class Migration(migrations.Migration):
    """Guards compare the number of moves; what waits once more is still weighed as released.

    A poll finds what is being rolled back.
    """

    dependencies = [
        ("deployments", "0004_only_indexes_that_are_read"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="moves_made",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("released_at__isnull", False), ("state", "queued")),
                fields=["deployment", "batch"],
                name="instance_waiting_again",
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                condition=models.Q(("stage", "rolling_back")),
                fields=["stage"],
                name="deployment_rolling_back",
            ),
        ),
    ]
