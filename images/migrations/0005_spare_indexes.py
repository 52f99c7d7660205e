"""Drop what no question uses: each upload wrote it, and it was a third of the indexes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0004_render_failures"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # On PostgreSQL Django would drop this partial index with the one of the column, and it holds
        # a rule: so it goes first, and comes back in the same transaction.
        migrations.RemoveConstraint(model_name="picture", name="picture_one_active_per_owner"),
        migrations.AlterField(
            model_name="picture",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pictures",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="picture",
            constraint=models.UniqueConstraint(
                fields=["owner"],
                condition=models.Q(is_active=True),
                name="picture_one_active_per_owner",
            ),
        ),
        # Django makes it on PostgreSQL beside the unique one, for LIKE; a key is asked for whole.
        migrations.RunSQL(
            "DROP INDEX IF EXISTS images_picture_key_bd3ebd8b_like", migrations.RunSQL.noop
        ),
    ]
