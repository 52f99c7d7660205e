import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jwt
import pytest
from pytest_django import Settings

from accounts import issuer_keys
from tests.accounts.issuer import KEYS, current_user, external_token
from tests.deployment import certificate

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("external_issuer")]


class KeyServer:
    """A real JWKS server, which counts its requests."""

    def __init__(self) -> None:
        self.requests, self.status, self.published = 0, 200, ["one"]
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS["RS256"].public_key()))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                body = json.dumps(
                    {"keys": [{**key, "kid": kid, "use": "sig", "alg": "RS256"}
                              for kid in outer.published]}
                ).encode()  # fmt: skip
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def key_server(external_issuer: None, settings: Settings) -> Iterator[KeyServer]:
    server = KeyServer()
    settings.JWT_PUBLIC_KEY, settings.JWT_JWKS_URL = "", server.url
    issuer_keys._issuer.cache_clear()
    yield server
    server.stop()


@pytest.fixture
def expired_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched keys expire at once."""
    monkeypatch.setattr(issuer_keys, "CACHE_LIFETIME", 1e-9)


def is_accepted(key_id: str) -> bool:
    return bool(current_user(external_token(headers={"kid": key_id})) != 401)


@pytest.mark.unhurried
def test_keys_are_fetched_once_and_stay_valid_when_the_issuer_stops(key_server: KeyServer) -> None:
    assert is_accepted("one")
    assert is_accepted("one")
    assert key_server.requests == 1
    key_server.stop()
    assert is_accepted("one")


@pytest.mark.unhurried
def test_a_key_that_the_issuer_withdrew_is_refused(
    expired_cache: None, key_server: KeyServer
) -> None:
    assert is_accepted("one")
    key_server.published = ["two"]
    assert not is_accepted("one")
    assert is_accepted("two")


@pytest.mark.unhurried
@pytest.mark.parametrize("status", [503, 404])
def test_expired_keys_stay_valid_while_the_issuer_is_unavailable(
    expired_cache: None, key_server: KeyServer, status: int
) -> None:
    assert is_accepted("one")
    key_server.status = status
    assert all(is_accepted("one") for _ in range(5))
    key_server.stop()
    assert is_accepted("one")
    assert key_server.requests == 2


def test_an_issuer_that_was_never_reached_is_not_retried_at_each_request(
    key_server: KeyServer,
) -> None:
    key_server.status = 503
    for _ in range(5):
        assert not is_accepted("one")
    assert key_server.requests == 1


@pytest.mark.unhurried
def test_an_unknown_key_is_not_fetched_at_each_request(key_server: KeyServer) -> None:
    for _ in range(5):
        assert not is_accepted("two")
    assert key_server.requests <= 2


# --- Issuers that misbehave -----------------------------------------------------------------------


class RawServer:
    """Sends what `speak` writes to each connection, slowly or for ever, over HTTP or HTTPS."""

    def __init__(
        self, speak: Callable[[socket.socket], object], context: ssl.SSLContext | None = None
    ) -> None:
        self.connections = 0
        self._speak, self._context = speak, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if context else "http"
        self.url = f"{scheme}://localhost:{self._listener.getsockname()[1]}/keys"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                opened, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=[opened], daemon=True).start()

    def _answer(self, opened: socket.socket) -> None:
        with suppress(OSError), opened:
            if self._context is None:
                self._speak(opened)
                return
            with self._context.wrap_socket(opened, server_side=True) as encrypted:
                self._speak(encrypted)

    def stop(self) -> None:
        self._listener.close()


def drip(opened: socket.socket, content: bytes) -> None:
    for index in range(len(content)):
        opened.sendall(content[index : index + 1])
        time.sleep(0.2)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def send_for_ever(opened: socket.socket) -> None:
    opened.sendall(HEAD)
    while True:
        opened.sendall(b" " * 65536)


MISBEHAVIOURS: dict[str, Callable[[socket.socket], object]] = {
    "says nothing": lambda opened: time.sleep(20),
    "drips its head": lambda opened: drip(opened, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50),
    "drips its body": lambda opened: drip(opened, HEAD + b" " * 100),
    "sends for ever": send_for_ever,
    "redirects": lambda opened: opened.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    ),
    "sends a page": lambda opened: opened.sendall(HEAD + b"<html>"),
    "sends a list": lambda opened: opened.sendall(HEAD + b"[]"),
    "closes": lambda opened: None,
}


@pytest.mark.unhurried
@pytest.mark.parametrize("encrypted", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("how", MISBEHAVIOURS)
def test_an_issuer_that_misbehaves_costs_no_more_than_its_deadline(
    how: str, encrypted: bool, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_keys, "DEADLINE", 0.5)
    context = None
    if encrypted:
        folder = tmp_path / "certificate"
        certificate.write(folder, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "fullchain.pem"))
    server = RawServer(MISBEHAVIOURS[how], context)
    settings.JWT_PUBLIC_KEY, settings.JWT_JWKS_URL = "", server.url
    issuer_keys._issuer.cache_clear()
    started = time.monotonic()
    with pytest.raises((OSError, HTTPException, ValueError, jwt.PyJWTError)):
        issuer_keys._parse_keys(issuer_keys.fetch_within_limits(server.url))
    assert time.monotonic() - started < 5
    assert not is_accepted("one")
    started = time.monotonic()
    for _ in range(20):
        assert not is_accepted("one")
    assert time.monotonic() - started < 10  # not a deadline each
    assert server.connections == 2
    server.stop()


@pytest.mark.unhurried
def test_known_keys_stay_valid_without_waiting_while_the_issuer_hangs(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_accepted("one")
    server = RawServer(MISBEHAVIOURS["says nothing"])
    monkeypatch.setattr(issuer_keys._issuer(key_server.url), "_url", server.url)
    # Past the age at which the keys are fetched again, but not past their lifetime.
    monkeypatch.setattr(issuer_keys, "REFRESH_AGE", 0.0)
    started = time.monotonic()
    assert all(is_accepted("one") for _ in range(20))
    assert time.monotonic() - started < 10  # not a deadline each
    assert server.connections == 1
    server.stop()


@pytest.mark.unhurried
def test_unknown_keys_cost_one_fetch_a_minute_whoever_sends_them(
    key_server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_accepted("one")
    for minute in range(1, 4):
        keys = issuer_keys._issuer(key_server.url)
        monkeypatch.setattr(keys, "_tried_at", time.monotonic() - 61)
        for number in range(30):
            assert not is_accepted(f"unknown-{minute}-{number}")
        assert key_server.requests == 1 + minute
