"""What every request asks Redis goes over a connection of its own thread."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError, TimeoutError

from lib import redis_client as module
from lib.redis_client import ask_redis, check_redis, may_be_readable, redis_at, redis_client
from tests.waiting import until


def kept() -> Any:
    return module._own.connection


def test_the_answer_is_what_the_client_gets() -> None:
    client: Any = redis_client()
    client.set("lists-a", b"\xff\r\n$1", ex=60)
    asked = ("lists-a", "lists-missing")
    assert ask_redis("MGET", *asked) == client.mget(*asked) == [b"\xff\r\n$1", None]


def test_a_thread_keeps_its_connection_and_shares_it_with_no_other() -> None:
    ask_redis("PING")
    first = kept()
    ask_redis("PING")
    assert kept() is first
    others: list[Any] = []

    def ask() -> None:
        ask_redis("PING")
        others.append(kept())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert others != [first]


def test_a_connection_that_redis_has_closed_is_made_again() -> None:
    ask_redis("SET", "lists-b", "1", "EX", "60")
    number = ask_redis("CLIENT", "ID")
    client: Any = redis_client()
    client.client_kill_filter(_id=str(number))
    assert ask_redis("MGET", "lists-b") == [b"1"]


def test_an_answer_that_came_too_late_is_nobody_elses(settings: Settings) -> None:
    ask_redis("PING")
    kept()._sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        ask_redis("BLPOP", "lists-nothing", "1")
    until(lambda: not redis_at(settings.REDIS_URL).is_away, 10, lambda: "Redis is away")
    assert ask_redis("MGET", "lists-missing") == [None]


def test_what_redis_refuses_is_raised_and_the_connection_goes_on() -> None:
    with pytest.raises(ResponseError):
        ask_redis("NO-SUCH-COMMAND")
    assert ask_redis("MGET", "lists-missing") == [None]


def test_a_forked_process_makes_its_own() -> None:
    ask_redis("PING")
    parents = kept()
    module._forget_connection()
    assert ask_redis("MGET", "lists-missing") == [None]
    assert kept() is not parents


def test_another_address_is_another_connection(settings: Settings) -> None:
    ask_redis("PING")
    # Nobody listens there.
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(RedisConnectionError):
        ask_redis("PING")


def test_what_arrived_and_what_was_closed_is_to_be_read_and_silence_is_not() -> None:
    client: Any = redis_client()
    subscription = client.pubsub()
    subscription.subscribe("lists-channel")
    assert subscription.get_message(timeout=5)["type"] == "subscribe"
    connection = subscription.connection
    assert not may_be_readable(connection)
    client.publish("lists-channel", "a")
    until(lambda: may_be_readable(connection), 5, lambda: "nothing came")
    assert subscription.get_message(timeout=5)["data"] == b"a"
    assert not may_be_readable(connection)
    client.client_kill_filter(_type="pubsub")
    until(lambda: may_be_readable(connection), 5, lambda: "it was not closed")
    subscription.close()
    assert may_be_readable(connection)


def test_of_two_checks_of_a_silent_redis_none_takes_it_for_a_refusal() -> None:
    """One that ends would close the other's connection: whoever asks then would be let wait."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        first = pool.submit(check_redis, url)
        time.sleep(module._CHECK_TIMEOUT / 2)
        second = pool.submit(check_redis, url)
        assert isinstance(first.exception(), TimeoutError)
        assert isinstance(second.exception(), TimeoutError)
