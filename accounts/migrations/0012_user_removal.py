"""Let accounts be closed by their owners, and removed by the worker.

A nullable column, and an index that holds closed accounts alone: there is none yet.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0011_tier_quotas"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="removal_due_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("removal_due_at__isnull", False)),
                fields=["removal_due_at"],
                name="user_removal_due",
            ),
        ),
    ]
