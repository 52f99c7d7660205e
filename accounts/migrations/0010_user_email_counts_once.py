"""Let an address be one account's alone where it counts: every address did until now.

The new index stands before the old one goes, and is made while the table is written to.
"""

from typing import Any

import django.db.models.functions.text
from django.db import migrations, models


class AddUniqueOnline(migrations.AddConstraint):
    """Adds a constraint that is a unique index; it may run again after it was interrupted."""

    def database_forwards(self, app_label: str, schema_editor: Any, *states: Any) -> None:
        """Add the index."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, *states)
            return
        model = states[1].apps.get_model(app_label, self.model_name)
        statement = str(self.constraint.create_sql(model, schema_editor))
        name = schema_editor.quote_name(self.constraint.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        create = "CREATE UNIQUE INDEX"
        schema_editor.execute(statement.replace(create, f"{create} CONCURRENTLY", 1), params=None)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0009_mail"),
    ]

    operations = [
        AddUniqueOnline(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                condition=models.Q(models.Q(("email", ""), _negated=True), ("email_counts", True)),
                name="user_email_counts_once",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="user",
            name="user_email_unique",
        ),
    ]
