"""An index for the plans that an account was chosen for."""

from django.db import migrations, models

from lib.concurrent_indexes import AddIndexInUse


class Migration(migrations.Migration):
    # PostgreSQL makes an index without stopping writers outside a transaction alone.
    atomic = False

    dependencies = [("plans", "0002_warnings")]

    operations = [
        AddIndexInUse(
            model_name="plannedaccount",
            index=models.Index(fields=["account_id"], name="planned_account_plans"),
        ),
    ]
