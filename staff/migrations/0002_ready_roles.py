"""Keep which ready roles were made, so that none is made twice."""

import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

ROLE = "Moderation"


def note_deletion(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Another migration made the role on every database: where it is not there, it was deleted."""
    if not apps.get_model("auth", "Group").objects.filter(name=ROLE).exists():
        apps.get_model("staff", "MadeRole").objects.create(name=ROLE)


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0001_days"),
        ("images", "0006_moderation_role"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="MadeRole",
            fields=[
                ("name", models.CharField(max_length=150, primary_key=True, serialize=False)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunPython(note_deletion, migrations.RunPython.noop),
    ]
