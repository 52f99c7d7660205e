"""Indexes for filtered lists of one account."""

from django.conf import settings
from django.db import migrations, models

from lib.concurrent_indexes import AddIndexInUse


class Migration(migrations.Migration):
    # PostgreSQL makes an index without stopping writers outside a transaction alone.
    atomic = False

    dependencies = [
        ("images", "0012_link_owners"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexInUse(
            model_name="picture",
            index=models.Index(fields=["owner", "sha256"], name="picture_by_sha256"),
        ),
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                fields=["owner", "visibility", "-created_at", "-id"], name="picture_by_visibility"
            ),
        ),
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                fields=["owner", "format", "-created_at", "-id"], name="picture_by_format"
            ),
        ),
        AddIndexInUse(
            model_name="picture",
            index=models.Index(
                condition=models.Q(("rendering__in", ["pending", "failed"])),
                fields=["owner", "rendering", "-created_at", "-id"],
                name="picture_by_state",
            ),
        ),
    ]
