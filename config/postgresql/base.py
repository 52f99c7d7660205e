"""The engine that DATABASES names; Django looks for it under this module name."""

import select
from functools import cache
from typing import Any

from django.db.backends.postgresql import base
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

# Where a connection, which a pool hands on, has its cursor.
_LOOKUP = "_tintype_lookup"


@cache
def _adapters(djangos: AdaptersMap) -> AdaptersMap:
    adapters = AdaptersMap(djangos)
    adapters.register_loader("timestamptz", TimestamptzLoader)
    return adapters


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a connection by its socket, where Django would send a query before each request.

    And keeps a cursor of each connection for what reads one row at once, and reads moments by
    psycopg's own loader: Django's, in Python, takes a sixth of the time of a list.
    """

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        parameters["context"] = _adapters(parameters["context"])
        return parameters

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor as Django does, but for its loader: connections are in UTC already."""
        if name is None:
            return self.connection.cursor()
        keeps = self.connection.autocommit  # outside of a transaction
        return base.ServerSideCursor(self.connection, name, scrollable=False, withhold=keeps)

    def lookup_cursor(self) -> Any:
        """Return a cursor that the next caller uses again: read its row at once, leave it open.

        Making one takes half as long as a look-up by it.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        cursor = getattr(self.connection, _LOOKUP, None)
        if cursor is None:
            with self.wrap_database_errors:
                cursor = self.create_cursor()
            setattr(self.connection, _LOOKUP, cursor)
        return self._prepare_cursor(cursor)

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
