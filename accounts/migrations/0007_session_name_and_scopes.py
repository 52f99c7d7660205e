"""Let tokens have a name, and scopes; whoever is signed in already keeps every scope.

A column with a default in the database and a nullable one: neither rewrites the table.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_security_event"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="name",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=100
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="scopes",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
