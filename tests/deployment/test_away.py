"""What nginx sends where the service does not: nothing listens, or no response comes."""

import re
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from pytest_django import Settings

from api.contracts import CONTRACTS, error_response_to
from api.errors import UNAVAILABLE
from config.middleware.cors import CorsMiddleware
from config.middleware.security_headers import SecurityHeadersMiddleware
from delivery.addresses import BYTE_PREFIXES
from devkit.children import Reaper
from tests.deployment import compose
from tests.deployment.stack import start_nginx_alone
from tests.processes import ROOT
from tests.servers.ports import free_ports
from tests.waiting import until

TOO_LARGE = 22 * 1024 * 1024
PREFIXES = [prefix for contract in CONTRACTS for prefix in contract.prefixes]
IN_CONTRACTS = [*(f"{prefix}/some/thing" for prefix in PREFIXES), *PREFIXES]
TRUSTED = ["https://trusted.example", "http://localhost:*"]
ORIGINS = {
    "none": {},
    "any": {"Origin": "https://other.example"},
    "null": {"Origin": "null"},
    "trusted": {"Origin": "https://trusted.example"},
    "trusted on a port": {"Origin": "http://localhost:3000"},
    "like a trusted one": {"Origin": "https://trusted.example.evil.example"},
    "another port of a trusted one": {"Origin": "https://trusted.example:8443"},
    "with cookies": {"Origin": "https://other.example", "Cookie": "a=b"},
    "trusted with cookies": {"Origin": "https://trusted.example", "Cookie": "a=b"},
    "cookies alone": {"Cookie": "a=b"},
}
BYTES = [f"{prefix}/some/thing" for prefix in BYTE_PREFIXES]
PAGES = ["/", "/imagery", "/images/users/x.jpg", "/l/token", "/admin/", "/apis", "/authors", "/ws/"]


@pytest.fixture(scope="module")
def nginx_alone(
    tmp_path_factory: pytest.TempPathFactory, reaper: Reaper, nginx_program: str
) -> str:
    """The address of an nginx behind which no process of the service runs."""
    [web] = free_ports(1)
    return start_nginx_alone(reaper, tmp_path_factory.mktemp("away"), web)


def response_of_the_service(path: str, **headers: str) -> HttpResponseBase:
    """Return the service's response while a part is away, with the headers of every response."""
    request = RequestFactory().get(path, headers=headers)
    own = error_response_to(request, UNAVAILABLE) or HttpResponse(status=503)
    return SecurityHeadersMiddleware(CorsMiddleware(lambda request: own))(request)


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


@pytest.mark.unhurried
@pytest.mark.parametrize("any_origin", ["", "Off"])
def test_what_nginx_sends_alone_says_who_may_read_it(
    reaper: Reaper, tmp_path: Path, nginx_program: str, settings: Settings, any_origin: str
) -> None:
    """nginx says by itself what lib/cors.py decides, also where it cannot read the request."""
    [web] = free_ports(1)
    settings.TRUSTED_ORIGINS, settings.CORS_ANY_ORIGIN = TRUSTED, not any_origin
    trusted = ", ".join(TRUSTED)
    url = start_nginx_alone(
        reaper, tmp_path, web, TRUSTED_ORIGINS=trusted, CORS_ANY_ORIGIN=any_origin
    )
    for who, headers in ORIGINS.items():
        for path in [*IN_CONTRACTS, *BYTES, *PAGES]:
            own = cors_headers_of(response_of_the_service(path, **headers).headers)
            response = requests.get(url + path, headers=headers, timeout=30)
            assert cors_headers_of(response.headers) == own, f"{who} {path}"
            asks = headers | {"Access-Control-Request-Method": "PUT"}
            preflight = requests.options(url + path, headers=asks, timeout=30)
            is_answered = "Access-Control-Allow-Origin" in own and "Origin" in headers
            if "Origin" not in own.get("Vary", "") or "Origin" not in headers:
                assert preflight.status_code == 503, f"{who} {path}"
            elif "Cookie" not in headers:
                assert preflight.status_code == 204
                assert is_answered is ("Access-Control-Allow-Origin" in preflight.headers)
        too_long = "/api/" + "x" * 70_000
        own = cors_headers_of(response_of_the_service("/api/me", **headers).headers)
        for path, more in ((too_long, {}), ("/api/me", {"X": too_long})):
            refused = requests.get(url + path, headers=headers | more, timeout=30)
            # Where nginx refuses before it has read the headers, it knows no origin.
            status = 414 if path == too_long else 400
            known = own.get("Access-Control-Allow-Origin", "")
            expected = ("" if any_origin else "*") if path == too_long else known
            assert refused.status_code == status
            assert refused.headers.get("Access-Control-Allow-Origin", "") == expected


def cors_headers_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return them with `Vary: Origin` alone: what is never stored varies with nothing else."""
    found = {name: value for name, value in headers.items() if name.startswith("Access-Control-")}
    return found | ({"Vary": "Origin"} if "Origin" in headers.get("Vary", "") else {})


@pytest.mark.unhurried
def test_nginxs_log_holds_no_token_signature_or_query(
    tmp_path: Path, reaper: Reaper, nginx_program: str
) -> None:
    """Neither of what is answered nor of what fails: nothing listens behind it."""
    [web] = free_ports(1)
    address = start_nginx_alone(reaper, tmp_path, web)
    for path in (
        "/l/1a.2b.SECRET", "/l/1a.2b.SECRET/", "/l/%31a.SECRET?x=SECRET",
        "/images/a.jpg?signature=SECRET", "/api/user/images/?cursor=SECRET", "/?SECRET",
        "//l/SECRET", "/x/../l/SECRET", "/%6c/SECRET",
    ):  # fmt: skip
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as wire:
            wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            while wire.recv(65536):
                pass
    until(
        lambda: (tmp_path / "nginx.log").read_text().count('"GET ') == 9,
        5,
        (tmp_path / "nginx.log").read_text,
    )
    logs = [path for path in tmp_path.rglob("*.log") if path.is_file()]
    assert len(logs) == 2
    for log in logs:
        assert "SECRET" not in log.read_text()
    assert '"GET /api/user/images/ HTTP/1.1" 503' in (tmp_path / "nginx.log").read_text()
