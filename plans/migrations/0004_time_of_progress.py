"""When a plan was last seen to go on, so that an outage is no time of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plans", "0003_plans_of_accounts")]

    operations = [
        migrations.AddField(
            model_name="tierplan", name="marked_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="tierplan",
            name="marked_done",
            field=models.PositiveBigIntegerField(null=True),
        ),
    ]
