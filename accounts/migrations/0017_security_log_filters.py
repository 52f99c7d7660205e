"""Let the security log be filtered by kind, actor, address and new devices, however long it is."""

from django.db import migrations, models

from lib.concurrent_indexes import AddIndexInUse


def _add(index: models.Index) -> AddIndexInUse:
    return AddIndexInUse(model_name="securityevent", index=index)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0016_second_factor")]

    operations = [
        migrations.AddField(
            model_name="securityevent",
            name="is_new_device",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        _add(models.Index(fields=["actor_id", "-id"], name="security_event_of_actor")),
        _add(models.Index(fields=["kind", "-id"], name="security_event_of_kind")),
        _add(models.Index(fields=["address", "-id"], name="security_event_of_address")),
        _add(
            models.Index(
                fields=["-id"],
                condition=models.Q(is_new_device=True),
                name="security_event_new_device",
            )
        ),
    ]
