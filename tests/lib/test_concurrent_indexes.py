"""Indexes that are made while their table is in use."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoAssertNumQueries

from lib.concurrent_indexes import AddIndexInUse

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def definition(name: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(to_regclass(%s))", [name])
        found: str | None = cursor.fetchone()[0]
        return found


def test_an_index_is_made_without_a_lock_as_often_as_one_likes(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """A run that was stopped leaves an index behind that is never used."""
    loader = MigrationExecutor(connection).loader
    migration = loader.get_migration("images", "0013_picture_list_indexes")
    before = loader.project_state(("images", "0012_link_owners"))
    operation = migration.operations[0]
    assert isinstance(operation, AddIndexInUse)
    assert not migration.atomic
    after = before.clone()
    operation.state_forwards("images", after)
    made = definition("picture_by_sha256")
    assert made
    with connection.schema_editor(atomic=False) as editor:
        with django_assert_num_queries(2) as statements:
            operation.database_forwards("images", editor, before, after)
        assert all("INDEX CONCURRENTLY" in each["sql"] for each in statements)
        assert definition("picture_by_sha256") == made
        operation.database_backwards("images", editor, after, before)
        assert definition("picture_by_sha256") is None
        operation.database_forwards("images", editor, before, after)
    assert definition("picture_by_sha256") == made
