"""An index for pictures whose thumbnails lack what is to lie beside them."""

from django.db import migrations, models

from lib.concurrent_indexes import AddIndexInUse


class Migration(migrations.Migration):
    # PostgreSQL makes an index without stopping writers outside a transaction alone.
    atomic = False

    dependencies = [
        ("thumbnails", "0015_beside_due"),
    ]

    operations = [
        AddIndexInUse(
            model_name="renderclaim",
            index=models.Index(
                fields=["beside_due_at"],
                condition=models.Q(("beside_due_at__isnull", False)),
                name="render_claim_beside_due",
            ),
        ),
    ]
