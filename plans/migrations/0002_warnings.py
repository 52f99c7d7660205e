"""Let a plan say when it applies itself, and whom it was announced to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("plans", "0001_tier_plans"),
        ("tiers", "0005_names_in_two_languages"),
    ]

    operations = [
        migrations.AddField(
            model_name="tierplan",
            name="accounts_told",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="tierplan",
            name="effective_at",
            field=models.DateTimeField(null=True, verbose_name="applies itself"),
        ),
        migrations.AddField(
            model_name="tierplan",
            name="is_telling",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="tierplan",
            name="told_after",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="tierplan",
            name="warned_at",
            field=models.DateTimeField(null=True, verbose_name="people told"),
        ),
        migrations.AlterField(
            model_name="planstep",
            name="kind",
            field=models.CharField(
                choices=[
                    ("made", "Made"),
                    ("counted", "Counted anew"),
                    ("saved", "Saved for later"),
                    ("warned", "People are told"),
                    ("withdrawn", "Withdrawn; people are told"),
                    ("not-due", "Did not apply itself, since a tier has changed"),
                    ("applied", "Applied"),
                    ("direct", "Made directly, without a plan"),
                    ("paused", "Paused"),
                    ("resumed", "Resumed"),
                    ("cancelled", "Cancelled"),
                    ("superseded", "Ended by another plan"),
                    ("deleted", "The tier was deleted"),
                    ("done", "Done"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="tierplan",
            index=models.Index(
                condition=models.Q(("state", "saved"), ("warned_at__isnull", False)),
                fields=["effective_at"],
                name="tier_plan_announced",
            ),
        ),
    ]
