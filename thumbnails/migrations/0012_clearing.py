from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("thumbnails", "0011_names_in_two_languages")]

    operations = [
        migrations.CreateModel(
            name="Clearing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("owner_id", models.UUIDField()),
                ("last_picture_id", models.BigIntegerField()),
                ("due_at", models.DateTimeField(db_index=True)),
            ],
        )
    ]
