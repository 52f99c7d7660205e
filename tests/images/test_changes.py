"""Who listens is told of every change that was announced before it asks."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from images.changes import EVERYBODY, ChangeListener, _publish
from lib.redis_client import redis_client
from tests.waiting import until


@pytest.fixture
def listener() -> Iterator[ChangeListener]:
    listener = ChangeListener()
    until(lambda: listener.poll() is not None, 10, lambda: "nobody listens")
    yield listener
    listener.close()


def test_all_that_was_announced_is_heard_once_and_at_once(listener: ChangeListener) -> None:
    for announced in ({str(uuid4())}, {str(uuid4()), str(uuid4()), EVERYBODY}):
        for each in announced:
            _publish(each)
        assert listener.poll() == announced
        assert listener.poll() == set()


def test_a_connection_that_was_lost_may_have_missed_something(listener: ChangeListener) -> None:
    client: Any = redis_client()
    client.client_kill_filter(_type="pubsub")
    until(lambda: listener.poll() is None, 5, lambda: "the loss was not noticed")
    until(lambda: listener.poll() == set(), 10, lambda: "nobody listens again")
