"""Drop the index of an account's sessions that the one with their age makes spare."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_session_of_account")]

    operations = [
        migrations.AlterField(
            model_name="session",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="token_sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
