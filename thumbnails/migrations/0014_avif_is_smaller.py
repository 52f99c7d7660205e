"""Have the database refuse an AVIF that is no smaller than the WebP beside it."""

from django.db import migrations, models

from lib.checks_in_use import AddCheckInUse


class Migration(migrations.Migration):
    # Outside the transaction that makes the check PostgreSQL looks at the rows without stopping
    # writers.
    atomic = False

    dependencies = [
        ("thumbnails", "0013_thumbnail_avif"),
    ]

    operations = [
        AddCheckInUse(
            model_name="thumbnail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("avif_bytes", 0), ("avif_key", "")),
                    models.Q(
                        models.Q(("avif_key", ""), _negated=True),
                        ("avif_bytes__gt", 0),
                        ("avif_bytes__lt", models.F("webp_bytes")),
                    ),
                    _connector="OR",
                ),
                name="thumbnail_avif_is_smaller",
            ),
        ),
    ]
