"""Make the three tiers of the image RESTful API's original task."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# name, heights, originals, links
TIERS = [
    ("Basic", [200], False, False),
    ("Premium", [200, 400], True, False),
    ("Enterprise", [200, 400], True, True),
]


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    tier_model = apps.get_model("tiers", "Tier")
    for name, heights, original, links in TIERS:
        tier = tier_model.objects.create(name=name, grants_original=original, grants_links=links)
        for height in heights:
            tier.heights.create(height=height)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    names = [name for name, *_ in TIERS]
    apps.get_model("tiers", "Tier").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("tiers", "0001_initial")]

    operations = [migrations.RunPython(make, remove)]
