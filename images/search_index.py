"""The index by which PostgreSQL finds words in names and descriptions, in one account's rows.

It holds the trigrams of both, and the owner beside them, and so needs two extensions that come with
PostgreSQL: pg_trgm and btree_gin. Whoever owns the database may make them, for they are trusted.
Without the index a search reads the account's rows one by one, which finds the same.
"""

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

INDEX = "picture_search"
EXTENSIONS = ("pg_trgm", "btree_gin")
# As Django writes `icontains`.
_COLUMNS = "owner_id, UPPER(name::text) gin_trgm_ops, UPPER(description::text) gin_trgm_ops"
_MAKE = f"CREATE INDEX CONCURRENTLY {INDEX} ON images_picture USING gin ({_COLUMNS})"
_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


class SearchIndexMissing(Exception):
    """The index cannot be made by this role; the message says what an administrator has to do."""


def make_search_index(connection: BaseDatabaseWrapper) -> None:
    """Make the index where it is not there, without a lock that stops writers.

    It must be called outside a transaction. Raise SearchIndexMissing. Other databases have none.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_IS_VALID, [INDEX])
        if cursor.fetchone() == (True,):
            return
        # What a run that was stopped has left behind is no use.
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        try:
            for extension in EXTENSIONS:
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            cursor.execute(_MAKE)
            # What the planner knows of the words begins with this.
            cursor.execute("ANALYZE images_picture")
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
            raise SearchIndexMissing(
                f"Searches (?q=) read an account's pictures one by one, for the index cannot be "
                f"made: {reason}. Have an administrator of the database run "
                f"{' '.join(f'CREATE EXTENSION {each};' for each in EXTENSIONS)} "
                "then run manage.py make_search_index."
            ) from error


def drop_search_index(connection: BaseDatabaseWrapper) -> None:
    """Drop the index; the extensions stay, for others may use them."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
