"""Give the three tiers of a new installation their quotas; others keep theirs, and are told.

An installation is new while it has no account.
"""

import logging

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

logger = logging.getLogger(__name__)
GB = 1024**3
QUOTAS = {"Basic": 1 * GB, "Premium": 10 * GB, "Enterprise": 100 * GB}


def give(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    tiers = apps.get_model("tiers", "Tier").objects
    if apps.get_model("accounts", "User").objects.exists():
        names = tiers.filter(max_stored_bytes=None).order_by("name").values_list("name", flat=True)
        logger.warning(
            "The tiers keep their quotas. New installations limit what an account stores to 1 GB "
            "(Basic), 10 GB (Premium) and 100 GB (Enterprise); here these tiers have no limit: %s. "
            "A quota counts everything from now on: originals, thumbnails and other copies.",
            ", ".join(names) or "none",
        )
        return
    for name, quota in QUOTAS.items():
        tiers.filter(name=name, max_stored_bytes=None).update(max_stored_bytes=quota)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_user_email_counts_once"),
        ("tiers", "0004_quota_counts_everything"),
    ]

    # Backwards the quotas stay: the release before knows the column, and nobody knows by then
    # which of them staff have chosen.
    operations = [migrations.RunPython(give, migrations.RunPython.noop)]
