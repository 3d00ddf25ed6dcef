from django.db import migrations, models

STAGES = [
    ("draft", "Draft"),
    ("awaiting_approval", "Waiting for approval"),
    ("ready", "Ready to start"),
    ("rolling", "Rolling out"),
    ("gate", "Waiting for a go-ahead"),
    ("held", "Held"),
    ("paused", "Paused"),
    ("cancelling", "Cancelling"),
    ("completed", "Completed"),
    ("rolling_back", "Rolling back"),
    ("rolled_back", "Rolled back"),
    ("cancelled", "Cancelled"),
]


class Migration(migrations.Migration):
    """A batch remembers when it was released first; the old version leaves that empty."""

    dependencies = [
        ("deployments", "0008_history_of_one_thing"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="first_released_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="deployment",
            name="stage",
            field=models.CharField(choices=STAGES, default="draft", max_length=20),
        ),
    ]
