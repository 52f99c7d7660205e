"""Checks that are made while their table is in use."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoAssertNumQueries

from lib.checks_in_use import AddCheckInUse

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
NAME = "thumbnail_avif_is_smaller"


def state() -> tuple[str, bool] | None:
    """Return what the check says, and whether every row was looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conname = %s",
            [NAME],
        )
        found: tuple[str, bool] | None = cursor.fetchone()
        return found


def test_rows_are_looked_at_without_a_lock_as_often_as_one_likes(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    loader = MigrationExecutor(connection).loader
    migration = loader.get_migration("thumbnails", "0014_avif_is_smaller")
    before = loader.project_state(("thumbnails", "0013_thumbnail_avif"))
    [operation] = migration.operations
    assert isinstance(operation, AddCheckInUse)
    assert not migration.atomic
    after = before.clone()
    operation.state_forwards("thumbnails", after)
    made = state()
    assert made is not None
    assert made[1]
    with connection.schema_editor(atomic=False) as editor:
        with django_assert_num_queries(3) as statements:
            operation.database_forwards("thumbnails", editor, before, after)
        assert statements[1]["sql"].endswith(" NOT VALID")
        assert "VALIDATE CONSTRAINT" in statements[2]["sql"]
        assert state() == made
        operation.database_backwards("thumbnails", editor, after, before)
        assert state() is None
        operation.database_forwards("thumbnails", editor, before, after)
    assert state() == made
