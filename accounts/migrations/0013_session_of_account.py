"""Let an account's sessions be listed page by page, however many there are."""

from django.db import migrations, models

from lib.migrations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0012_user_removal")]

    operations = [
        AddIndexOnline(
            model_name="session",
            index=models.Index(
                fields=["user", "-created_at", "-id"],
                name="session_of_account",
            ),
        ),
    ]
