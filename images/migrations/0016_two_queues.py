"""Indexes of the pictures that are pending, apart for uploads and for what waits behind them."""

from django.db import migrations, models
from django.db.models import Q

from lib.concurrent_indexes import AddIndexInUse


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("images", "0015_render_backfill")]

    operations = [
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                fields=["render_ask_at"],
                condition=Q(rendering="pending", render_backfill__isnull=True),
                name="picture_wanted_by_upload",
            ),
        ),
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                fields=["render_ask_at"],
                condition=Q(rendering="pending", render_backfill__isnull=False),
                name="picture_wanted_behind",
            ),
        ),
    ]
