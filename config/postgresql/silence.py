"""Connections to PostgreSQL that notice when the server says nothing any more.

A server that is stopped, or a network that lost it, refuses nothing: libpq would wait for ever. A
statement that runs long says nothing either. So whoever has waited for a while has it looked at by
another connection (`lib.parts`): where that one gets no answer, nobody waits any longer.
"""

import time
from collections.abc import Generator
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections

from lib.made_once import made_once
from lib.parts import Part

# How long a statement may be silent before the server is looked at; where it is known to be away.
PATIENCE, PATIENCE_WHILE_AWAY = 2.0, 0.5
# In commands, which nobody waits for.
COMMAND_PATIENCE = 60.0
_CHECK_TIMEOUT = 1.0
_INTERVAL = 0.1


class DatabaseAway(psycopg.OperationalError):
    """Not even tried, because the server was away a moment ago."""


class DatabaseSilent(psycopg.OperationalError):
    """The server stopped answering; the connection is closed."""


class WatchedConnection(psycopg.Connection[Any]):
    """Every call raises DatabaseSilent when the server has become silent."""

    def wait(self, gen: Any, interval: float = _INTERVAL, timeout: float | None = None) -> Any:
        try:
            return super().wait(_unless_silent(gen), min(interval, _INTERVAL), timeout)
        except DatabaseSilent:
            self.close()
            raise


def _unless_silent(gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Pass on what psycopg's own generator asks of a socket, and look at the clock."""
    try:
        wanted = next(gen)
        heard_at = 0.0
        while True:
            ready = yield wanted
            if ready:
                heard_at = 0.0
            elif not heard_at:
                heard_at = time.monotonic() - _INTERVAL
            else:
                _look(time.monotonic() - heard_at)
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def _look(silent_for: float) -> None:
    """Raise DatabaseSilent after a silence that is the server's, not the statement's."""
    part = database_part()
    patience = COMMAND_PATIENCE if settings.IS_COMMAND else PATIENCE
    if part.is_away and silent_for >= min(patience, PATIENCE_WHILE_AWAY):
        raise DatabaseSilent("The database does not answer.")
    if silent_for >= patience:
        part.suspect()


@made_once
def database_part() -> Part:
    """Return the database as a part of this process.

    A pool does not tell those who wait for a connection that the server refuses: they wait on.
    """
    is_pooled = "pool" in settings.DATABASES["default"].get("OPTIONS", {})
    return Part("database", check_database, is_tried_while_it_refuses=not is_pooled)


def look_at_database(_: object) -> None:
    """Have the server looked at; a pool calls it with itself when it cannot make a connection."""
    database_part().suspect()


def check_database() -> None:
    """Raise an error unless the server answers within seconds, and takes a query.

    That there is no such database, or password, is an answer.
    """
    parameters = connections.create_connection("default").get_connection_params()
    try:
        connection = _CheckingConnection.connect(
            **{**parameters, "connect_timeout": 2}, autocommit=True
        )
    except psycopg.OperationalError as error:
        if is_away(error):
            raise
        return
    try:
        connection.execute("SELECT 1")
    finally:
        connection.close()


class _CheckingConnection(psycopg.Connection[Any]):
    def wait(
        self, gen: Any, interval: float = _INTERVAL, timeout: float | None = _CHECK_TIMEOUT
    ) -> Any:
        return super().wait(gen, min(interval, _INTERVAL), timeout or _CHECK_TIMEOUT)


def is_away(error: psycopg.Error) -> bool:
    """Tell whether no connection was made because no server answered."""
    return "FATAL" not in str(error)
