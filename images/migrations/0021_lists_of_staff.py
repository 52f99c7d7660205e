"""Indexes for filtered lists of all accounts, which staff see."""

from django.db import migrations, models

from lib.concurrent_indexes import AddIndexInUse


class Migration(migrations.Migration):
    # PostgreSQL makes an index without stopping writers outside a transaction alone.
    atomic = False

    dependencies = [("images", "0020_overdue_at")]

    operations = [
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                fields=["format", "-created_at", "-id"], name="picture_newest_of_format"
            ),
        ),
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                fields=["visibility", "-created_at", "-id"], name="picture_newest_visible"
            ),
        ),
    ]
