"""Databases of one's own beside the one that the tests use."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql


@contextmanager
def fresh_database(url: str, name: str, template: str = "") -> Iterator[str]:
    """Make a database on the server at `url`; yields its address, and drops it at the end.

    It is empty, or as the template is.

    One of this name that a killed run left behind is dropped first.
    """
    server_url, identifier = urlsplit(url), sql.Identifier(name)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier)
    maintenance = server_url._replace(path="/postgres").geturl()
    with psycopg.connect(maintenance, autocommit=True) as server:
        server.execute(drop)
        source = sql.Identifier(template or "template1")
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, source))
        try:
            yield server_url._replace(path=f"/{name}").geturl()
        finally:
            server.execute(drop)
