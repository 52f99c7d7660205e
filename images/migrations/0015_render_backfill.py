"""Who last requested a picture's thumbnails; what is pending now counts as an upload's own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("images", "0014_search_index")]

    operations = [
        migrations.AddField(
            model_name="picture",
            name="render_backfill",
            field=models.BigIntegerField(editable=False, null=True),
        ),
    ]
