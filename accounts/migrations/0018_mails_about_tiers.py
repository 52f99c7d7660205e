"""Mails that say what a tier will allow."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_security_log_filters"),
    ]

    operations = [
        migrations.AlterField(
            model_name="mail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("verify", "verifies an address"),
                    ("reset", "resets a password"),
                    ("moved", "says that the account has another address"),
                    ("less", "says that the account will be allowed less"),
                    ("as-it-is", "says that it will not, after all"),
                ],
                max_length=8,
            ),
        ),
    ]
