"""What nginx lets through of one address, and what it says beyond that."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import RequestFactory

from api.contracts import CONTRACTS, error_response_to
from api.errors import TOO_MANY_REQUESTS
from config.middleware.cors import CorsMiddleware
from config.middleware.security_headers import SecurityHeadersMiddleware
from devkit.children import Reaper
from tests.deployment.stack import start_nginx_alone
from tests.waiting import until

ORIGIN = {"Origin": "https://page.example"}
# As if nginx were reached from wherever a test says.
SEEN_FROM = {
    "server_tokens off;": "server_tokens off; set_real_ip_from 127.0.0.1; real_ip_header Seen-From;"
}
ONE_REQUEST = {"rate=200r/s": "rate=1r/m", "burst=2000 nodelay": "nodelay"}


class Answering(BaseHTTPRequestHandler):
    """A service that answers every request."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def service() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.unhurried
def test_a_client_that_asks_too_much_gets_429_in_the_contracts_words(
    reaper: Reaper, tmp_path: Path, nginx_program: str, service: int
) -> None:
    url = start_nginx_alone(reaper, tmp_path, service, SEEN_FROM | ONE_REQUEST)
    prefixes = [prefix for contract in CONTRACTS for prefix in contract.prefixes]
    assert requests.get(url, timeout=30).status_code == 200
    for path in [*prefixes, *(f"{prefix}/some/thing" for prefix in prefixes), "/", "/ws/pictures/"]:
        request = RequestFactory().get(path, headers=ORIGIN)
        plain = HttpResponse(
            TOO_MANY_REQUESTS.message, status=429, content_type="text/plain; charset=utf-8"
        )
        own = error_response_to(request, TOO_MANY_REQUESTS) or plain
        expected = with_the_services_headers(request, own)
        response = requests.get(url + path, headers=ORIGIN, timeout=30)
        assert (response.status_code, response.content) == (429, own.content), path
        assert response.headers["Retry-After"] == "5"
        sent = {name: response.headers.get(name) for name in expected.headers}
        assert sent == dict(expected.headers.items()), path
    # Also where a body comes that nobody reads, on one connection.
    with requests.Session() as session:
        for size in (100_000, 1_000_000, 5_000_000, 21_000_000):
            responses = [session.post(url + path, b"x" * size, timeout=30) for path in prefixes]
            assert {each.status_code for each in responses} == {429}
    # A page asks first: it is let through to hear the 429.
    asks = {**ORIGIN, "Access-Control-Request-Method": "POST"}
    assert requests.options(f"{url}/auth/signin", headers=asks, timeout=30).status_code == 204
    elsewhere = {"Seen-From": "192.0.2.7"}
    assert requests.get(f"{url}/auth/x", headers=elsewhere, timeout=30).status_code == 200


def with_the_services_headers(request: HttpRequest, own: HttpResponse) -> HttpResponseBase:
    return SecurityHeadersMiddleware(CorsMiddleware(lambda request: own))(request)


@pytest.mark.unhurried
@pytest.mark.parametrize(
    ("proxies", "asked"),
    [
        # Address that nginx sees, X-Forwarded-For: the same number is the same client.
        ("1", [("192.0.2.1", "", 1), ("192.0.2.2", "", 2), ("192.0.2.1", "198.51.100.9", 1),
               ("2001:db8:0:1::1", "", 3), ("2001:db8:0:1:ffff::a", "", 3),
               ("2001:db8:0:2::1", "", 4), ("2001:db8:a0a:1::1", "", 5)]),
        ("2", [("192.0.2.1", "198.51.100.1", 1), ("192.0.2.1", "9.9.9.9, 198.51.100.1", 1),
               ("192.0.2.1", "198.51.100.1, 198.51.100.2", 2), ("192.0.2.1", "", 3),
               ("192.0.2.1", "2001:db8:7:1::1", 4), ("192.0.2.1", "2001:db8:7:1:9:8:7:6", 4),
               ("192.0.2.1", "2001:db8::9:8:7:6", 5), ("192.0.2.1", "2001:db8::1", 5)]),
        ("3", [("192.0.2.1", "198.51.100.1, 10.0.0.1", 1),
               ("192.0.2.1", "198.51.100.2,10.0.0.1", 2),
               ("192.0.2.1", "7.7.7.7, 198.51.100.1 , 10.0.0.9", 1)]),
    ],
)  # fmt: skip
def test_a_client_is_an_ipv4_address_or_an_ipv6_network_as_trusted_proxies_saw_it(
    reaper: Reaper, tmp_path: Path, nginx_program: str, service: int, proxies: str,
    asked: list[tuple[str, str, int]],
) -> None:  # fmt: skip
    changes = SEEN_FROM | ONE_REQUEST
    url = start_nginx_alone(reaper, tmp_path, service, changes, TRUSTED_PROXIES=proxies)
    seen: set[int] = set()
    for address, forwarded, number in asked:
        headers = {"Seen-From": address} | ({"X-Forwarded-For": forwarded} if forwarded else {})
        status = requests.get(url, headers=headers, timeout=30).status_code
        assert status == (429 if number in seen else 200), (address, forwarded)
        seen.add(number)


@pytest.mark.unhurried
def test_an_address_that_sends_many_large_bodies_at_once_may_send_small_ones_still(
    reaper: Reaper, tmp_path: Path, nginx_program: str, service: int
) -> None:
    url = start_nginx_alone(reaper, tmp_path, service, SEEN_FROM)
    port = int(url.rpartition(":")[2])
    start = b"POST /image HTTP/1.1\r\nHost: a\r\n%b\r\n\r\n9\r\nhalf"

    def only_large_ones_of_the_address_are_refused() -> bool:
        # Opened anew each time: on a busy machine nginx may have closed them as too slow.
        with half_open(port, 12, start % b"Content-Length: 70000"), half_open(
            port, 12, start % b"Transfer-Encoding: chunked"
        ):  # fmt: skip
            if post(url, 100_000) != 429:
                return False
            assert post(url, 60_000) == 200
            assert post(url, 100_000, **{"Seen-From": "192.0.2.7"}) == 200
            return True

    until(only_large_ones_of_the_address_are_refused, 60, lambda: "no 429")


def post(url: str, size: int, **headers: str) -> int:
    return requests.post(f"{url}/image", b"x" * size, headers=headers, timeout=30).status_code


@contextmanager
def half_open(port: int, count: int, begun: bytes) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(begun)
        yield
