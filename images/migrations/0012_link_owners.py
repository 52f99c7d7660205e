"""Write the pictures' owners beside the links, and index an account's links by age."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import OuterRef, Subquery

from lib.concurrent_indexes import AddIndexInUse

BATCH_SIZE = 5_000


def set_owners(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Set what is missing, in batches that are committed one by one."""
    link, picture = apps.get_model("images", "Link"), apps.get_model("images", "Picture")
    owner = picture.objects.filter(pk=OuterRef("picture_id")).values("owner_id")
    missing = link.objects.filter(owner=None).values_list("pk", flat=True)
    while batch := list(missing[:BATCH_SIZE]):
        link.objects.filter(pk__in=batch).update(owner_id=Subquery(owner))


class Migration(migrations.Migration):
    # Neither one long transaction, nor a lock on the table while the index is made.
    atomic = False

    dependencies = [
        ("images", "0011_link_options"),
    ]

    operations = [
        AddIndexInUse(
            model_name="link",
            index=models.Index(fields=["owner", "-created_at", "-id"], name="link_newest_of_owner"),
        ),
        # After the index, which finds what is missing.
        migrations.RunPython(set_owners, migrations.RunPython.noop),
    ]
