"""What is to lie beside thumbnails later; nothing is where an older release claims pictures."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("thumbnails", "0014_avif_is_smaller"),
    ]

    operations = [
        migrations.AddField(
            model_name="renderclaim",
            name="beside_due_at",
            field=models.DateTimeField(null=True),
        ),
    ]
