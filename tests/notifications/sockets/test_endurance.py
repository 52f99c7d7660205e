"""Sockets under faults: writers that never stop, slow and dead readers, an outage of Redis."""

import json
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from websockets.exceptions import ConnectionClosed

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from devkit import valkey
from devkit.children import Reaper
from images.models import Picture
from images.services import update_picture
from notifications.feed import last_sequence
from tests.factories import make_picture
from tests.notifications.sockets.clients import (
    RawClient,
    Socket,
    SocketServer,
    bearer,
    socket_server,
)
from tests.pictures import jpeg
from tests.waiting import are_prompt, record_duration

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.nightly,
    pytest.mark.timeout(180),
]


@contextmanager
def writing(picture: Picture, pause: float = 0.0) -> Iterator[None]:
    """Change a picture over and over, in a thread with a connection of its own."""
    stopping = threading.Event()

    def write() -> None:
        number = 0
        own = Picture.objects.get(pk=picture.pk)
        while not stopping.is_set():
            number += 1
            update_picture(own, description=f"{number}")
            stopping.wait(pause)
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def test_a_hundred_reconnections_during_constant_writes_miss_no_event(
    server: SocketServer, alice: User
) -> None:
    """Every event is received once and in order, whenever connections break."""
    chance = random.Random(5)
    picture = make_picture(alice)
    start = last_sequence(alice.pk)
    token = open_bearer_session(alice, RequestOrigin())
    seen = [start]

    def take(opened: Socket, count: int) -> None:
        seen.extend(opened.next()["id"] for _ in range(count))

    with writing(picture, pause=0.01):
        for _ in range(100):
            with server.open(f"?since={seen[-1]}", additional_headers=bearer(token)) as opened:
                # Missed events first, then some that are written meanwhile.
                take(opened, last_sequence(alice.pk) - seen[-1] + chance.randrange(20))
                if chance.random() < 0.5:
                    opened.connection.socket.shutdown(socket.SHUT_RDWR)
    with server.open(f"?since={seen[-1]}", additional_headers=bearer(token)) as opened:
        take(opened, last_sequence(alice.pk) - seen[-1])
    assert seen == list(range(start, last_sequence(alice.pk) + 1))
    assert len(seen) > 500


def write_until_logged(server: SocketServer, picture: Picture, words: str, quick: Socket) -> None:
    """Change the picture until the log has a text; the quick reader gets each change at once."""
    own = Picture.objects.get(pk=picture.pk)
    took: list[float] = []
    deadline = time.monotonic() + 100
    while words not in server.log.read_text():
        assert time.monotonic() < deadline, server.log.read_text()
        with record_duration(took):
            update_picture(own, description="\N{MOUNT FUJI}" * 2000)
            assert quick.next()["type"] == "picture.updated"
    assert are_prompt(took), took


@pytest.fixture
def impatient_server(
    django_db_setup: None, tmp_path: Path, close_timeout: str
) -> Iterator[SocketServer]:
    application = "tests.notifications.sockets.impatient"
    with socket_server(tmp_path, application=application, CLOSE_TIMEOUT=close_timeout) as running:
        yield running


# As long as a busy machine may take to read.
@pytest.mark.parametrize("close_timeout", ["60"])
def test_a_slow_reader_is_closed_and_slows_nobody(
    impatient_server: SocketServer, alice: User
) -> None:
    picture = make_picture(alice)
    token = open_bearer_session(alice, RequestOrigin())
    with impatient_server.of(alice) as quick:
        slow = RawClient(impatient_server, token)
        write_until_logged(impatient_server, picture, "reading too slowly", quick)
        got = slow.read_until(b"\x11\x38reading too slowly: come back with since")  # 4408
    messages = [json.loads(each) for each in re.findall(rb'{"id".*?}}', got)]
    last = messages[-1]["id"]
    assert [each["id"] for each in messages] == list(range(3, last + 1))
    assert last < last_sequence(alice.pk)
    with impatient_server.open(f"?since={last}", additional_headers=bearer(token)) as again:
        assert again.next()["id"] == last + 1


@pytest.mark.parametrize("close_timeout", ["1"])
def test_a_reader_that_is_stuck_is_dropped(impatient_server: SocketServer, alice: User) -> None:
    picture = make_picture(alice)
    stuck = RawClient(impatient_server, open_bearer_session(alice, RequestOrigin()))
    with impatient_server.of(alice) as quick:
        write_until_logged(impatient_server, picture, "without its last messages", quick)
    stuck.connection.close()


def test_a_dead_client_is_dropped_by_pings(
    tmp_path: Path, django_db_setup: None, alice: User
) -> None:
    """The default is a ping every 20 s with 20 s to answer; here both are shorter."""
    pings = ["--ws-ping-interval", "0.5", "--ws-ping-timeout", "0.5"]
    with socket_server(tmp_path, *pings) as server:
        dead = RawClient(server, open_bearer_session(alice, RequestOrigin()))
        dead.read_until(b"keepalive ping timeout")


@pytest.fixture
def own_valkey(reaper: Reaper) -> valkey.Valkey:
    """A Valkey that this test may stop: a function that starts it, and its address."""
    return valkey.Valkey(reaper, valkey.find())


def upload(server: SocketServer, token: str) -> requests.Response:
    files = {"image": ("hill.jpg", jpeg(60, 40))}
    address = f"{server.url}/api/user/images/"
    return requests.post(address, files=files, headers=bearer(token), timeout=10)


def test_without_redis_uploads_go_on_and_sockets_catch_up(
    own_valkey: valkey.Valkey, tmp_path: Path, alice: User
) -> None:
    child = own_valkey.start()
    own_valkey.wait(child)
    token = open_bearer_session(alice, RequestOrigin())
    headers = {"additional_headers": bearer(token)}
    with socket_server(tmp_path, REDIS_URL=own_valkey.url) as server, server.of(alice) as kept:
        assert upload(server, token).status_code == 201
        assert kept.next()["id"] == 1

        child.end()
        assert upload(server, token).status_code == 201
        assert kept.next()["id"] == 2, "an open socket goes on, by the table"
        with server.open("?since=1", **headers) as refused:
            assert refused.closed_with() == 1013

        child = own_valkey.start()
        own_valkey.wait(child)
        with reconnected(server, "?since=1", headers) as back:
            assert back.next()["id"] == 2
            assert upload(server, token).status_code == 201
            assert (kept.next()["id"], back.next()["id"]) == (3, 3)
            took: list[float] = []
            for number in range(4, 9):
                assert upload(server, token).status_code == 201
                with record_duration(took):
                    assert kept.next()["id"] == number
            assert are_prompt(took), f"live again, not only by the table: {took}"
    child.end()


@contextmanager
def reconnected(server: SocketServer, query: str, headers: dict[str, Any]) -> Iterator[Socket]:
    """Reconnect as a client does, until the server accepts."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with server.open(query, **headers) as opened:
            try:
                opened.connection.recv(timeout=0.5)
            except TimeoutError:
                pass
            except ConnectionClosed:
                time.sleep(0.2)
                continue
        with server.open(query, **headers) as opened:
            yield opened
            return
    raise AssertionError("not within 20 s")
