"""Clients that lose the response of an upload and send it again, on real connections."""

import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.db import connection
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.models import IdempotencyKey, Picture
from tests.faults.contracts import UPLOAD_ROUTES, UploadRoute
from tests.faults.uploads import make_distinct
from tests.parallel import run_in_parallel
from tests.pictures import jpeg
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
CUTS, THREADS, TIMEOUT = 40, 6, 30
ROUTES = list(UPLOAD_ROUTES.values())
PICTURE = jpeg(60, 40)


@pytest.fixture
def server(live_server: LiveServer) -> Iterator[LiveServer]:
    """A server whose threads have ended with the test, also those that nobody listens to."""
    yield live_server
    until(lambda: not answering(), TIMEOUT, lambda: f"{answering()}")


def answering() -> list[str]:
    """Return the server's threads that have not ended."""
    names = (each.name for each in threading.enumerate())
    return [name for name in names if "process_request_thread" in name]


@pytest.fixture
def headers(alice: User, settings: Settings) -> dict[str, str]:
    """Alice's token, of whom no rate is asked."""
    settings.RATE_LIMITS = False
    return {"Authorization": f"Bearer {open_bearer_session(alice, RequestOrigin())}"}


def prepare(
    server: LiveServer, route: UploadRoute, content: bytes, headers: dict[str, str], key: str
) -> requests.PreparedRequest:
    return requests.Request(
        "POST", server.url + route.path, headers={**headers, "Idempotency-Key": key},
        **route.options_for(content),
    ).prepare()  # fmt: skip


def is_stored(key: str) -> bool:
    return IdempotencyKey.objects.filter(key=key, picture_id__isnull=False).exists()


def send_and_cut(request: requests.PreparedRequest, wait: Callable[[], object]) -> None:
    """Send a request, and reset the connection without having read a byte of the response."""
    url = urlsplit(str(request.url))
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = "\r\n".join([f"POST {request.path_url} HTTP/1.1", f"Host: {url.netloc}", *lines, "", ""])
    body: Any = request.body
    with socket.create_connection((url.hostname, url.port), TIMEOUT) as cut:
        cut.sendall(head.encode() + body)
        wait()
        cut.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def send_again(request: requests.PreparedRequest) -> requests.Response:
    """Send a request until it is answered with something else than that it still runs."""

    def answer() -> requests.Response | None:
        with requests.Session() as session:
            response = session.send(request, timeout=TIMEOUT)
        return None if response.status_code == 409 else response

    return until(answer, TIMEOUT, lambda: "it runs for ever")


def stored_picture(route: UploadRoute, response: requests.Response) -> Picture:
    assert response.status_code == route.stored_status, response.text
    name, value = route.lookup(response.json())
    return Picture.objects.get(**{name: value})


@pytest.mark.nightly
def test_uploads_whose_connection_is_cut_after_the_commit_are_stored_once(
    server: LiveServer, headers: dict[str, str]
) -> None:
    def lose_and_repeat(number: int) -> int:
        """Lose the response after the commit, of each fifth upload also one before.

        Forty are each contract with and without the one before, twice.
        """
        route, key = ROUTES[number % len(ROUTES)], f"key-{number}"
        content = make_distinct(PICTURE, number)
        request = prepare(server, route, content, headers, key)
        try:
            # Each of the four contracts in turn.
            if number % 5 == 0:
                send_and_cut(request, lambda: None)
            send_and_cut(request, lambda: until(lambda: is_stored(key), TIMEOUT, lambda: key))
            picture = stored_picture(route, send_again(request))
            assert picture.sha256 == hashlib.sha256(content).hexdigest()
            return picture.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        answered = list(threads.map(lose_and_repeat, range(CUTS)))
    assert sorted(answered) == sorted(Picture.objects.values_list("pk", flat=True))
    assert len(set(answered)) == CUTS


@pytest.mark.unhurried
@pytest.mark.parametrize("contract", UPLOAD_ROUTES)
def test_of_parallel_uploads_with_one_key_one_is_stored(
    contract: str, server: LiveServer, headers: dict[str, str]
) -> None:
    route = UPLOAD_ROUTES[contract]
    for number in range(3):
        content, key = make_distinct(PICTURE, number), f"key-{number}"
        request = prepare(server, route, content, headers, key)

        def send(request: requests.PreparedRequest = request) -> requests.Response:
            with requests.Session() as session:
                return session.send(request, timeout=TIMEOUT)

        responses = run_in_parallel([send] * 8)
        assert {each.status_code for each in responses} <= {route.stored_status, 409}
        stored = [each for each in responses if each.status_code != 409]
        pictures = {stored_picture(route, each).pk for each in [*stored, send_again(request)]}
        assert len(stored) >= 1
        assert len(pictures) == 1
        assert Picture.objects.count() == number + 1
