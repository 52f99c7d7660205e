"""The index of searches: made where the role may, and a sentence where it may not."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from api.restful_api.picture_serializers import filter_pictures
from images.models import Picture
from images.search_index import INDEX, SearchIndexMissing, drop_search_index, make_search_index

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def exists() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [INDEX])
        return bool(cursor.fetchone()[0])


def plan_without_other_indexes(word: str) -> list[str]:
    """Return how a word is found."""
    query: dict[str, str] = {"q": word}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {', '.join(each.name for each in Picture._meta.indexes)}")
        cursor.execute("SET LOCAL enable_seqscan = off")
        shown: str = filter_pictures(Picture.objects.order_by(), query).explain()
        transaction.set_rollback(True)
    return shown.splitlines()


def test_the_migration_made_it_and_words_are_found_by_it() -> None:
    assert exists()
    lines = plan_without_other_indexes("hill")
    assert len([line for line in lines if f"on {INDEX}" in line]) == 2
    conditions = [line.split("Index Cond: ")[1] for line in lines if "Index Cond" in line]
    assert conditions == [
        "(upper((name)::text) ~~ '%HILL%'::text)", "(upper(description) ~~ '%HILL%'::text)"
    ]  # fmt: skip


def test_it_is_made_again_where_it_is_missing() -> None:
    drop_search_index(connection)
    assert not exists()
    for _ in range(2):
        call_command("make_search_index", stdout=StringIO())
        assert exists()


def test_a_role_that_may_make_no_extension_is_told_what_to_do() -> None:
    """Such a role owns its tables, and neither the database nor the right to create in it."""
    drop_search_index(connection)
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pg_trgm, btree_gin")
        cursor.execute("CREATE ROLE tenant")
        cursor.execute("SET ROLE tenant")
    try:
        with pytest.raises(SearchIndexMissing, match=r"CREATE EXTENSION pg_trgm; .*make_search"):
            make_search_index(connection)
        with pytest.raises(CommandError, match="permission denied"):
            call_command("make_search_index", stdout=StringIO())
        assert not exists()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE tenant")
        make_search_index(connection)
    assert exists()
