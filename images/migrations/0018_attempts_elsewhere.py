"""Attempts at rendering have rows of their own (`thumbnails.RenderClaim`).

The columns stay for an older release that still runs during an upgrade, which writes them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("images", "0017_clean_version")]

    operations = [
        migrations.AlterField(
            model_name="picture",
            name="render_attempts",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="picture", name=name)
                for name in ("render_attempts", "render_failures", "render_leased_until")
            ],
        ),
    ]
