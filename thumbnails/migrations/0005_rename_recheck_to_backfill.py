"""Rename a model and leave its table as it is; no SQL runs."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("thumbnails", "0004_spare_indexes")]

    operations = [
        migrations.AlterModelTable(name="recheck", table="thumbnails_recheck"),
        migrations.RenameModel(old_name="Recheck", new_name="Backfill"),
    ]
