"""The engine that DATABASES names; Django looks for it under this module name."""

import select
from functools import cache
from types import ModuleType
from typing import Any, Self, cast

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from psycopg.adapt import AdaptersMap
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import PoolTimeout

from config.env.databases import LOCK_SECONDS
from config.postgresql.silence import (
    DatabaseAway,
    WatchedConnection,
    database_part,
    is_away,
)

# Where a connection, which a pool hands on, has its cursor.
_LOOKUP = "_tintype_lookup"


@cache
def _adapters(djangos: AdaptersMap) -> AdaptersMap:
    adapters = AdaptersMap(djangos)
    adapters.register_loader("timestamptz", TimestamptzLoader)
    return adapters


class _Psycopg:
    """psycopg, with our own connections."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Look the function up at each call: it is another one where queries are traced."""
        return WatchedConnection.connect(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class _PreparingCursor(psycopg.Cursor[Any]):
    """Has the server plan a statement once for each connection, at its second time.

    To plan the look-up of a row among its joins takes the server longer than to run it. Not for a
    connection that a proxy shares among its clients, as PgBouncer may: there a name stands for
    whatever statement another client has prepared under it.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        # Cursors of Django write the values into their statements, and prepare none.
        connection.prepare_threshold = 1

    def execute(self, *arguments: Any, **options: Any) -> Self:
        try:
            return super().execute(*arguments, **options)
        except psycopg.errors.FeatureNotSupported:
            # A migration has changed the type of a column since the statement was prepared. A
            # transaction has failed by now; with its end the library forgets what was prepared.
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
            self.connection.execute("DEALLOCATE ALL")
            return super().execute(*arguments, **options)


def _is_servers_own(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether a connection leads to one process of the server, and not to a proxy.

    A proxy has several for a client, and introduces itself by a number of its own.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.info.backend_pid


class Operations(DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> Any:
        """Return a statement with its values, also where the server was given them beside it."""
        if isinstance(cursor, _PreparingCursor):
            return self.compose_sql(sql, params)
        return super().last_executed_query(cursor, sql, params)


class SchemaEditor(DatabaseSchemaEditor):
    def __enter__(self) -> Self:
        """Let no change of a table wait for long: whoever uses the table waits behind it.

        Indexes that are made beside their use (`lib.concurrent_indexes`) keep nobody waiting, and
        are in no transaction.
        """
        super().__enter__()
        if self.atomic_migration and settings.IS_COMMAND:
            self.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        return self


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a connection by its socket, where Django would send a query before each request.

    And keeps a cursor of each connection for what reads one row at once, and reads moments by
    psycopg's own loader: Django's, in Python, takes a sixth of the time of a list.
    While the server is away nothing is tried, and a silence ends (`config.postgresql.silence`).
    """

    Database = cast("ModuleType", _Psycopg())
    SchemaEditorClass = SchemaEditor
    ops_class = Operations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Raise DatabaseAway at once while the server is away."""
        part = database_part()
        if part.is_away:
            part.refuse()
            raise DatabaseAway("The database is away.")
        try:
            return super().get_new_connection(conn_params)
        except PoolTimeout:
            # Perhaps all are in use.
            part.suspect()
            raise
        except psycopg.OperationalError as error:
            if is_away(error):
                part.failed(error, was_silent=isinstance(error, psycopg.errors.ConnectionTimeout))
            raise

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        parameters["context"] = _adapters(parameters["context"])
        return parameters

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor as Django does, but for its loader: connections are in UTC already."""
        if name is None:
            return self.connection.cursor()
        keeps = self.connection.autocommit  # outside of a transaction
        server_side: Any = base.ServerSideCursor  # whose arguments the stubs do not know
        return server_side(self.connection, name, scrollable=False, withhold=keeps)

    def lookup_cursor(self) -> Any:
        """Return a cursor that the next caller uses again: read its row at once, leave it open.

        Making one takes half as long as a look-up by it.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        cursor = getattr(self.connection, _LOOKUP, None)
        if cursor is None:
            with self.wrap_database_errors:
                may_prepare = _is_servers_own(self.connection)
                cursor = _PreparingCursor(self.connection) if may_prepare else self.create_cursor()
            setattr(self.connection, _LOOKUP, cursor)
        return self._prepare_cursor(cursor)  # type: ignore[attr-defined]  # Django's own

    def is_usable(self) -> bool:
        """Tell whether the connection is open; after an error the server itself is asked.

        Between requests PostgreSQL sends nothing but that it closes the connection, so a socket
        with something to read is closed, or holds a message that a new connection does not need.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return bool(super().is_usable())
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
