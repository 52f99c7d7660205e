"""Bodies in the one-port run, most without a length: by requests, Node's fetch and raw sockets.

And requests of which half is sent.
"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import requests

from tests.body_clients import chunks, fetch_of_node, speak, upload_without_a_length
from tests.gallery.browsing import Service
from tests.processes import PASSWORD

pytestmark = [pytest.mark.processes, pytest.mark.slow]
CREDENTIALS = {"login": "admin", "password": PASSWORD}
BODY = json.dumps(CREDENTIALS).encode()
START = b"POST %b HTTP/1.1\r\nHost: HOST\r\nContent-Type: %b\r\n"
SIGN_IN = START % (b"/auth/signin/", b"application/json")
LAST = b"Connection: close\r\n"


def port_of(shared_run: Service) -> int:
    return int(shared_run.url.rpartition(":")[2])


def test_bodies_are_read_and_bounded(shared_run: Service) -> None:
    with requests.Session() as client:
        token = client.post(f"{shared_run.url}/auth/signin", json=CREDENTIALS).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        upload_without_a_length(client, shared_run.url)
        assert fetch_of_node(shared_run.url, token, CREDENTIALS) == [200, 413, 201, 413, 413]
        over_raw_sockets(port_of(shared_run), access_cookie_of(shared_run))
        # What is too large is refused without being read.
        files = {"image": b"\0" * 40_000_000}
        answer = client.post(f"{shared_run.url}/api/user/images/", files=files, timeout=60)
        assert (answer.status_code, list(answer.json())) == (413, ["detail"])


def access_cookie_of(shared_run: Service) -> bytes:
    fields = {"username": "admin", "password": PASSWORD}
    signed_in = requests.post(f"{shared_run.url}/api/user/jwt-login", data=fields, timeout=30)
    return f"access_token={signed_in.cookies['access_token']}".encode()


def over_raw_sockets(port: int, cookie: bytes) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n"
    in_two = chunks(BODY[:9], BODY[9:])
    assert speak(port, SIGN_IN + chunked + LAST + b"\r\n" + in_two) == [200]
    # The connection is good for more, also after a body that was refused.
    more = SIGN_IN + chunked + LAST + b"\r\n" + in_two
    too_long = chunks(*[b"x" * 60_000] * 5)
    assert speak(port, SIGN_IN + chunked + b"\r\n" + too_long, more) == [413, 200]
    # Whoever asks first is told before sending anything.
    expect = b"Expect: 100-continue\r\n"
    asked = SIGN_IN + expect + chunked + LAST + b"\r\n"
    assert speak(port, asked, lambda received: b" 100 " in received, in_two) == [100, 200]
    length = b"Content-Length: 999999\r\n"
    assert speak(port, SIGN_IN + expect + length + LAST + b"\r\n") == [413]
    # Several cookies, and a proxy's credential before them.
    mixed = b"Authorization: Basic dXNlcjpwYXNz\r\nCookie: a=1\r\nCookie: %b\r\n" % cookie
    start = b"GET /auth/currentUser/ HTTP/1.1\r\nHost: HOST\r\n"
    assert speak(port, start + mixed + LAST + b"\r\n") == [200]
    # Half a form is no form.
    form = b"name=x&login=cut&password=quite+long+enough"
    start = START % (b"/auth/signup", b"application/x-www-form-urlencoded") + LAST
    with_length = start + b"Content-Length: %d\r\n\r\n"
    half = with_length % (len(form) + 9) + form
    for request in (start + chunked + b"\r\n" + chunks(form)[:-5], half):
        send_and_leave(port, request)
    assert speak(port, with_length % len(form) + form) == [200]
    # A content type that Django cannot parse.
    odd = START % (b"/auth/signin", b"application/json; charset*=none''x") + LAST
    assert speak(port, odd + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY) == [200]


def send_and_leave(port: int, request: bytes) -> None:
    assert speak(port, request, shut=True) in ([], [400])


# --- Requests of which half is sent ---------------------------------------------------------------

HEADERS = b"Host: localhost\r\nContent-Type: application/json\r\n"
HALVES = [
    b"",
    b"POST /auth/signin HTTP/1.1\r\nHost: loc",
    b"POST /auth/signin HTTP/1.1\r\n%bContent-Length: 90\r\n\r\n{" % HEADERS,
    b"POST /api/images HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n9\r\nhalf" % HEADERS,
    b"POST /image HTTP/1.1\r\n%bExpect: 100-continue\r\nContent-Length: 9\r\n\r\n" % HEADERS,
]


@pytest.mark.nightly
def test_slow_clients_keep_nobody_out(shared_run: Service) -> None:
    port = port_of(shared_run)
    with half_open(port, 200) as connections:
        assert_is_served(shared_run)
        # Whoever has most connections loses the oldest of them.
        newest = connections[-5:]
        assert all(is_open(each) for each in newest)
        assert not any(is_open(each) for each in connections[:50])
        started = time.monotonic()
        ends = [until_it_ends(each) for each in newest]
        assert 5 < time.monotonic() - started < 20
    assert [b"408" in end for end in ends] == [False, False, True, True, True]


def assert_is_served(shared_run: Service) -> None:
    """Whoever is kept out waits longer: until halves are given up."""
    assert requests.get(f"{shared_run.url}/healthz", timeout=5).status_code == 200
    signed_in = requests.post(f"{shared_run.url}/auth/signin", json=CREDENTIALS, timeout=5)
    assert signed_in.status_code == 200


@contextmanager
def half_open(port: int, count: int, starts: list[bytes] = HALVES) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        connections = []
        for number in range(count):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(starts[number % len(starts)])
            connections.append(line)
        yield connections


def is_open(line: socket.socket) -> bool:
    line.settimeout(0.2)
    try:
        while line.recv(65536):
            pass
    except TimeoutError:
        return True
    except ConnectionResetError:
        pass
    return False


def until_it_ends(line: socket.socket) -> bytes:
    """Return what is received until the other side ends the connection; TimeoutError if never."""
    line.settimeout(30)
    received = b""
    while part := line.recv(65536):
        received += part
    return received
