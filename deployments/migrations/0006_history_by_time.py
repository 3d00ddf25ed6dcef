from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The page of all history reads both of its tables from a time on.

    The admin's log belongs to Django, so its index is made by hand.
    """

    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("deployments", "0005_guards_count_moves"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["-at", "-id"], name="event_by_time"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("from_stage", "draft")),
                fields=["deployment", "-at"],
                name="event_submitted",
            ),
        ),
        migrations.RunSQL(
            "CREATE INDEX admin_log_by_time ON django_admin_log (action_time DESC, id DESC)",
            "DROP INDEX admin_log_by_time",
        ),
    ]
