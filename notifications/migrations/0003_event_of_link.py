"""Let an event say which link it is about."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_picture_events")]

    operations = [
        migrations.AddField(
            model_name="pictureevent",
            name="link_id",
            field=models.BigIntegerField(null=True),
        ),
    ]
