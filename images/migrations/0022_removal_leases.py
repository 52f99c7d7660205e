"""Files are removed under a lease, and no longer under a lock."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("images", "0021_lists_of_staff")]

    operations = [
        migrations.AddField(
            model_name="removedfile",
            name="is_stray",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="removedfile",
            name="leased_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="removedfile",
            name="gone_at",
            field=models.DateTimeField(null=True),
        ),
    ]
