"""Thumbnails as AVIF beside those as WebP; rows of before have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("thumbnails", "0012_clearing"),
    ]

    operations = [
        migrations.AddField(
            model_name="thumbnail",
            name="avif_bytes",
            field=models.PositiveIntegerField(
                db_default=0, default=0, editable=False, verbose_name="bytes as AVIF"
            ),
        ),
        migrations.AddField(
            model_name="thumbnail",
            name="avif_key",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=200,
                verbose_name="AVIF",
            ),
        ),
    ]
