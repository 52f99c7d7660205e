import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from pytest_django import Settings

from accounts import issuer_keys
from tests.accounts.issuer import KEYS, current_user, external_token

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
    issuer_keys._jwks_client.cache_clear()
    yield server
    server.stop()


@pytest.fixture
def expired_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched keys expire at once."""
    monkeypatch.setattr(issuer_keys, "CACHE_LIFETIME", 1e-9)


def is_accepted(key_id: str) -> bool:
    return bool(current_user(external_token(headers={"kid": key_id})) != 401)


def test_keys_are_fetched_once_and_stay_valid_when_the_issuer_stops(key_server: KeyServer) -> None:
    assert is_accepted("one")
    assert is_accepted("one")
    assert key_server.requests == 1
    key_server.stop()
    assert is_accepted("one")


def test_a_key_that_the_issuer_withdrew_is_refused(
    expired_cache: None, key_server: KeyServer
) -> None:
    assert is_accepted("one")
    key_server.published = ["two"]
    assert not is_accepted("one")
    assert is_accepted("two")


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


def test_an_unknown_key_is_not_fetched_at_each_request(key_server: KeyServer) -> None:
    for _ in range(5):
        assert not is_accepted("two")
    assert key_server.requests <= 2
