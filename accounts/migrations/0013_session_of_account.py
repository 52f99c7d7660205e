"""Let an account's sessions be listed page by page, however many there are."""

from django.db import migrations, models

from lib.concurrent_indexes import AddIndexInUse


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0012_user_removal")]

    operations = [
        AddIndexInUse(
            model_name="session",
            index=models.Index(
                fields=["user", "-created_at", "-id"],
                name="session_of_account",
            ),
        ),
    ]
