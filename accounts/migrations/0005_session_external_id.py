"""Let a peer's logout that names a bare id find the sessions of an external issuer's tokens.

A nullable column and an index of the rows that have one: neither rewrites the table.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_user_sign_outs")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="external_id_digest",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("external_id_digest__isnull", False)),
                fields=["external_id_digest"],
                name="session_external_id",
            ),
        ),
    ]
