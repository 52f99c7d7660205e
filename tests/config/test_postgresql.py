"""A connection that the server ended is noticed before it is used."""

import select
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def other() -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own, as another thread of the web server has it."""
    made = connections.create_connection("default")
    made.inc_thread_sharing()
    made.ensure_connection()
    yield made
    made.close()


def backend(of: BaseDatabaseWrapper) -> int:
    with of.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return int(cursor.fetchone()[0])


def end(of: BaseDatabaseWrapper) -> None:
    """Have the server end a connection, and wait until the news is here."""
    poll = select.poll()
    poll.register(of.connection.fileno(), select.POLLIN)
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [backend(of)])
    assert poll.poll(30_000)


def test_a_request_after_the_end_gets_a_new_connection(other):
    first = backend(other)
    end(other)
    other.close_if_unusable_or_obsolete()  # what a request begins with
    assert backend(other) != first


def test_a_standing_connection_is_kept_and_asked_nothing(other):
    first = backend(other)
    other.force_debug_cursor = True
    other.close_if_unusable_or_obsolete()
    assert other.is_usable()
    assert not other.queries_log
    assert backend(other) == first


def test_an_error_is_followed_by_a_question_to_the_server(other):
    end(other)
    with pytest.raises(OperationalError):
        backend(other)
    assert not other.is_usable()
    other.close_if_unusable_or_obsolete()
    assert backend(other)
