"""Give staff who had the run of all pictures the role that keeps it: `is_staff` alone ends here.

From here on only permissions give staff anything over other people's pictures.
"""

import logging

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

logger = logging.getLogger(__name__)
ROLE = "Moderation"
# Model, and what the role may do with its rows.
PERMISSIONS = [("picture", ["add", "change", "delete", "view"]), ("link", ["add"])]


def give(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    role, _ = apps.get_model("auth", "Group").objects.get_or_create(name=ROLE)
    types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    for model, actions in PERMISSIONS:
        # Django makes both after the last migration only.
        content_type, _ = types.get_or_create(app_label="images", model=model)
        for action in actions:
            permission, _ = permissions.get_or_create(
                content_type=content_type,
                codename=f"{action}_{model}",
                defaults={"name": f"Can {action} {model}"},
            )
            role.permissions.add(permission)
    staff = apps.get_model("accounts", "User").objects.filter(is_staff=True, is_superuser=False)
    names = []
    for account in staff.order_by("username").only("pk", "username").iterator():
        account.groups.add(role)
        names.append(account.username)
    if names:
        logger.warning(
            "Staff see and change other people's pictures by permissions alone from now on. The "
            "role %s keeps them for the staff that had them; take it from whoever needs it not: %s",
            ROLE,
            ", ".join(names),
        )


def take(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("auth", "Group").objects.filter(name=ROLE).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0005_spare_indexes"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(give, take)]
