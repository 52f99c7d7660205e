"""What nginx answers where the service does not: nothing listens, or no answer comes."""

import re
import socket
from collections.abc import Mapping

import pytest
import requests
from django.test import RequestFactory

from api.doors import DOORS, answered_by_door
from api.errors import AWAY
from config.middleware.security_headers import SecurityHeadersMiddleware
from tests.deployment import compose
from tests.deployment.folders import Places
from tests.deployment.stack import Stack, front_door
from tests.processes import ROOT
from tests.servers.nginx import Nginx
from tests.servers.ports import free_ports

ENV = ("SECRET_KEY", "PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD")
TOO_LARGE = 22 * 1024 * 1024
IN_DOORS = [
    *(prefix + "some/thing" for prefix, _ in DOORS),
    *(prefix.rstrip("/") for prefix, _ in DOORS),
]
PAGES = ["/", "/imagery", "/images/users/x.jpg", "/l/token", "/admin/", "/apis", "/authors", "/ws/"]


def started(guard, folder, web: int, changes: Mapping[str, str] | None = None) -> str:
    """Start the front door of services that listen at `web`, if anywhere; return its address."""
    port, sockets = free_ports(2)
    places = Places("", "", 0, web, sockets, port, 0, folder)
    stack = Stack(places, compose.services(dict.fromkeys(ENV, "x")), {}, ROOT)
    Nginx(guard, folder, front_door(stack, port, folder / "tls", changes), port)
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def front(tmp_path_factory, server_guard, nginx_program):
    """The front door of a service of which no process runs."""
    [web] = free_ports(1)
    return started(server_guard, tmp_path_factory.mktemp("away"), web)


def the_services_own(path):
    """The service's answer while a part is away, through what adds to every answer."""
    request = RequestFactory().get(path)
    own = answered_by_door(request, AWAY)
    assert own is not None
    return SecurityHeadersMiddleware(lambda request: own)(request)


@pytest.mark.parametrize("path", IN_DOORS)
def test_a_door_that_is_away_says_so_in_its_own_words(front, path):
    answer, own = requests.get(front + path, timeout=30), the_services_own(path)
    assert (answer.status_code, answer.content) == (503, own.content)
    assert {name: answer.headers.get(name) for name in own.headers} == dict(own.headers.items())
    assert_complete(answer)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_is_away_says_so_in_a_line(front, path):
    answer = requests.get(front + path, timeout=30)
    assert (answer.status_code, answer.text) == (503, AWAY.message)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert_complete(answer)


def assert_complete(answer):
    assert answer.headers["Retry-After"] == AWAY.headers["Retry-After"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_a_handshake_of_a_socket_is_answered_503(front):
    wanted = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = requests.get(f"{front}/ws/pictures/", headers=wanted, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_body_that_is_too_large_for_a_door_that_is_away(front):
    answer = requests.post(f"{front}/image", data=b"\0" * TOO_LARGE, timeout=30)
    assert (answer.status_code, answer.json()) == (503, {"error": "Service Unavailable"})


def test_a_service_that_never_answers_is_away(server_guard, tmp_path, nginx_program):
    """It takes the connection in and is silent; nginx waits a tenth of a second here."""
    short = {"proxy_read_timeout 60s": "proxy_read_timeout 100ms"}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = started(server_guard, tmp_path, silent.getsockname()[1], short)
        answer = requests.post(f"{url}/auth/signin", json={}, timeout=30)
    assert (answer.status_code, answer.json()) == (503, {"error": "Service Unavailable"})
    assert_complete(answer)


def test_nginx_ends_a_quiet_connection_before_the_service_does():
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
