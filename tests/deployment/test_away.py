"""What nginx sends where the service does not: nothing listens, or no response comes."""

import re
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from api.contracts import CONTRACTS, error_response_to
from api.errors import UNAVAILABLE
from config.middleware.security_headers import SecurityHeadersMiddleware
from devkit.children import Reaper
from tests.deployment import compose
from tests.deployment.addresses import Addresses
from tests.deployment.stack import Stack, nginx_conf
from tests.processes import ROOT
from tests.servers.nginx import Nginx
from tests.servers.ports import free_ports

ENV = ("SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD")
TOO_LARGE = 22 * 1024 * 1024
PREFIXES = [prefix for contract in CONTRACTS for prefix in contract.prefixes]
IN_CONTRACTS = [*(f"{prefix}/some/thing" for prefix in PREFIXES), *PREFIXES]
PAGES = ["/", "/imagery", "/images/users/x.jpg", "/l/token", "/admin/", "/apis", "/authors", "/ws/"]


def start_nginx_alone(
    reaper: Reaper, folder: Path, web: int, changes: Mapping[str, str] | None = None
) -> str:
    """Start nginx before services that listen at `web`, if anywhere; return its address."""
    port, sockets = free_ports(2)
    addresses = Addresses("", "", 0, web, sockets, port, 0, folder)
    stack = Stack(addresses, compose.services(dict.fromkeys(ENV, "x")), {}, ROOT)
    Nginx(reaper, folder, nginx_conf(stack, port, folder / "tls", changes), port)
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def nginx_alone(
    tmp_path_factory: pytest.TempPathFactory, reaper: Reaper, nginx_program: str
) -> str:
    """The address of an nginx behind which no process of the service runs."""
    [web] = free_ports(1)
    return start_nginx_alone(reaper, tmp_path_factory.mktemp("away"), web)


def response_of_the_service(path: str) -> HttpResponseBase:
    """Return the service's response while a part is away, with the headers of every response."""
    request = RequestFactory().get(path)
    own = error_response_to(request, UNAVAILABLE)
    assert own is not None
    return SecurityHeadersMiddleware(lambda request: own)(request)


@pytest.mark.parametrize("path", IN_CONTRACTS)
def test_a_contract_of_a_service_that_is_away_gets_its_own_error_shape(
    nginx_alone: str, path: str
) -> None:
    response = requests.get(nginx_alone + path, timeout=30)
    own = response_of_the_service(path)
    assert (response.status_code, response.content) == (503, own.getvalue())
    assert {name: response.headers.get(name) for name in own.headers} == dict(own.headers.items())
    assert_complete(response)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_a_service_that_is_away_is_a_line_of_text(nginx_alone: str, path: str) -> None:
    response = requests.get(nginx_alone + path, timeout=30)
    assert (response.status_code, response.text) == (503, UNAVAILABLE.message)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert_complete(response)


def assert_complete(response: requests.Response) -> None:
    assert response.headers["Retry-After"] == UNAVAILABLE.headers["Retry-After"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])


def test_a_handshake_of_a_socket_gets_503(nginx_alone: str) -> None:
    wanted = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    response = requests.get(f"{nginx_alone}/ws/pictures/", headers=wanted, timeout=30)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_a_body_that_is_too_large_gets_503_while_the_service_is_away(nginx_alone: str) -> None:
    response = requests.post(f"{nginx_alone}/image", data=b"\0" * TOO_LARGE, timeout=30)
    assert (response.status_code, response.json()) == (503, {"error": "Service Unavailable"})


def test_a_service_that_never_answers_is_away(
    reaper: Reaper, tmp_path: Path, nginx_program: str
) -> None:
    """It takes the connection in and is silent; nginx waits a tenth of a second here."""
    short = {"proxy_read_timeout 60s": "proxy_read_timeout 100ms"}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = start_nginx_alone(reaper, tmp_path, silent.getsockname()[1], short)
        response = requests.post(f"{url}/auth/signin", json={}, timeout=30)
    assert (response.status_code, response.json()) == (503, {"error": "Service Unavailable"})
    assert_complete(response)


def test_nginx_ends_a_quiet_connection_before_the_service_does() -> None:
    """Else a request might be sent on one that is just being ended, and be lost."""
    [milliseconds] = [
        int(word.partition("=")[2])
        for word in compose.raw()["services"]["web"]["command"]
        if word.startswith("--http1-header-read-timeout=")
    ]
    upstream = (ROOT / "deploy" / "nginx.conf").read_text().split("upstream web {")[1]
    found = re.search(r"^    keepalive_timeout (\d+)s;$", upstream.split("\n}")[0], re.MULTILINE)
    assert found
    assert int(found[1]) * 1000 < milliseconds
