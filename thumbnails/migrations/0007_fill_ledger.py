"""Count what every account stores into its ledger, some accounts at a time.

The release before goes on writing without the ledger: `verify_storage --fix`, and once a day the
worker, count again what it added meanwhile.
"""

from collections import Counter
from typing import Any

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Count, F, Sum

BATCH_SIZE = 500
COLUMNS = ["pictures", "originals_bytes", "thumbnails_bytes", "other_bytes"]


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    accounts = apps.get_model("accounts", "User").objects.order_by("pk")
    batch = list(accounts.values_list("pk", flat=True)[:BATCH_SIZE])
    while batch:
        _fill(apps, batch)
        later = accounts.filter(pk__gt=batch[-1])
        batch = list(later.values_list("pk", flat=True)[:BATCH_SIZE])


def _fill(apps: Apps, owner_ids: list[Any]) -> None:
    amounts: dict[Any, Counter[str]] = {}
    pictures = apps.get_model("images", "Picture").objects.filter(owner__in=owner_ids).order_by()
    for owner_id, count, size in pictures.values_list("owner").annotate(Count("pk"), Sum("bytes")):
        amounts[owner_id] = Counter(pictures=count, originals_bytes=size)
    thumbnails = apps.get_model("thumbnails", "Thumbnail").objects.filter(owner__in=owner_ids)
    both = Sum(F("bytes") + F("webp_bytes"))
    for owner_id, size in thumbnails.order_by().values_list("owner").annotate(both=both):
        amounts.setdefault(owner_id, Counter())["thumbnails_bytes"] = size
    usage_model = apps.get_model("images", "Usage")
    usage_model.objects.bulk_create(
        [
            usage_model(owner_id=owner_id, **{name: found[name] for name in COLUMNS})
            for owner_id, found in amounts.items()
        ],
        update_conflicts=True,
        unique_fields=["owner"],
        update_fields=COLUMNS,
    )


def empty(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("images", "Usage").objects.all().delete()


class Migration(migrations.Migration):
    # Each batch is a commit of its own.
    atomic = False

    dependencies = [
        ("thumbnails", "0006_rendition_bytes"),
        ("images", "0009_ledger"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(fill, empty)]
