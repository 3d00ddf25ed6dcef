from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    """What people did to one thing is asked for by its page; the admin's log is Django's own."""

    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("deployments", "0007_ends_say_how"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX admin_log_by_thing ON django_admin_log "
            "(content_type_id, object_id, action_time DESC, id DESC)",
            "DROP INDEX admin_log_by_thing",
        ),
    ]
