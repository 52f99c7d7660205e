"""Drop what no question uses; see `images.0005_spare_indexes`."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("thumbnails", "0003_thumbnail_webp_and_quality"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="thumbnail",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="thumbnail",
            name="picture",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="thumbnails",
                to="images.picture",
            ),
        ),
        migrations.RunSQL(
            "DROP INDEX IF EXISTS thumbnails_thumbnail_key_50adaf62_like", migrations.RunSQL.noop
        ),
    ]
