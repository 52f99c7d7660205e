"""Real clients of `/socket.io/` against real server processes."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import (
    hash_api_token,
    open_api_token_session,
    open_bearer_session,
    open_cookie_session,
)
from api.pictures_service.errors import INVALID_TOKEN, MISSING_SCOPE, TOO_MANY_SOCKETS
from api.pictures_service.socketio.server import MAX_MESSAGE_SIZE, MAX_WAITING_PACKETS
from api.pictures_service.socketio.unbound_sockets import MAX_PER_ADDRESS
from devkit import valkey
from devkit.children import Reaper
from tests.api.pictures_service.socketio.clients import (
    TRANSPORTS,
    NodeClient,
    PollingClient,
    check_that_changes_arrive,
    node_client,
    png,
)
from tests.clients import Client
from tests.deployment.stack import start_nginx_alone
from tests.factories import make_picture, make_user
from tests.notifications.sockets.clients import SocketServer, bearer, socket_server
from tests.waiting import until

# The processes and the tests write to one database at the same time.
pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.postgres,
]  # fmt: skip
# Polls wait for the next ping.
STOP_AT_ONCE = ["--timeout-graceful-shutdown", "1"]


@pytest.fixture(scope="module")
def node(node_modules: Path) -> Iterator[NodeClient]:
    with node_client(node_modules) as running:
        yield running


@pytest.fixture(scope="module")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketServer]:
    """The process that answers the writes; another one holds the sockets."""
    folder = tmp_path_factory.mktemp("web")
    with socket_server(folder, *STOP_AT_ONCE, TRUSTED_PROXIES="1") as running:
        yield running


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    """Believes one proxy, so that clients may come from many addresses."""
    folder = tmp_path_factory.mktemp("sockets")
    variables = {"TRUSTED_PROXIES": "1", "PUBLIC_URL": "http://localhost"}
    with socket_server(folder, *STOP_AT_ONCE, **variables) as running:
        yield running


def token_of(user: User) -> str:
    return open_bearer_session(user, RequestOrigin())


def limited_token(user: User, *scopes: str) -> str:
    """Return an API token with these scopes alone."""
    key = open_api_token_session(user, RequestOrigin())
    Session.objects.filter(key_hash=hash_api_token(key)).update(scopes=list(scopes))
    return key


def at(made: dict[str, Any], owner: User) -> str:
    """Return what names a picture in the address that deletes it."""
    picture = made["picture"]
    return f"{picture['id']}/{picture['path']}/{owner.pk}"


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def upload(web: SocketServer, token: str) -> dict[str, Any]:
    address = f"{web.url}/pictures/create-picture"
    answer = requests.post(address, files={"file": png()}, headers=bearer(token), timeout=10)
    picture: dict[str, Any] = answer.json()["picture"]
    return picture


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_the_originals_clients_hear_of_every_change_after_a_write_that_names_their_socket(
    node: NodeClient, server: SocketServer, web: SocketServer, alice: User, bob: User,
    transports: list[str],
) -> None:  # fmt: skip
    name, tokens = "+".join(transports), {user: token_of(user) for user in (alice, bob)}
    pictures = f"{web.url}/pictures"
    node.open(name, server.url, transports=transports)
    node.next_of(name, "connect")
    if len(transports) > 1:
        assert node.next_of(f"{name}/upgrade", "upgrade") == "websocket"
    node.emit(name, "join", str(alice.pk))
    upload(web, tokens[alice])
    assert node.hears_nothing(name), "nobody's socket is told nothing"

    created = node.write(name, "post", f"{pictures}/create-picture", tokens[alice], picture=png())[
        "picture"
    ]
    assert node.pictures(name)[0]["id"] == created["id"]
    node.write(name, "post", f"{pictures}/create-picture", tokens[bob], picture=png())
    upload(web, tokens[bob])
    assert node.hears_nothing(name), "another account's write binds nothing"

    at = f"{created['id']}/{alice.pk}"
    node.write(name, "put", f"{pictures}/set-active-picture/{at}", tokens[alice])
    shown = node.pictures(name)
    assert [each["is_active"] for each in shown] == [True, False]
    other = next(each for each in shown if not each["is_active"])
    at = f"{other['id']}/{other['path']}/{alice.pk}"
    node.write(name, "delete", f"{pictures}/delete-picture/{at}", tokens[alice])
    assert [each["id"] for each in node.pictures(name)] == [created["id"]]
    node.write(name, "delete", f"{pictures}/delete-user/{alice.pk}", tokens[alice])
    assert node.pictures(name) == []

    started = time.monotonic()
    assert Client(headers=bearer(tokens[alice])).get("/auth/signout").status_code == 200
    node.next_of(name, "disconnect")
    assert time.monotonic() - started < 5, "by the reconciler at the latest"
    node.next_of(name, "connect")
    upload(web, token_of(alice))
    assert node.hears_nothing(name), "who comes back is nobody again"
    node.write(name, "post", f"{pictures}/create-picture", tokens[bob], picture=png())
    assert {each["user_id"] for each in node.pictures(name)} == {str(bob.pk)}
    node.close(name)


@pytest.mark.nightly
def test_behind_nginx_a_client_keeps_to_one_of_two_servers(
    node: NodeClient, server: SocketServer, web: SocketServer, alice: User, reaper: Reaper,
    tmp_path: Path, nginx_program: str,
) -> None:  # fmt: skip
    servers = [server, web]
    ports = [int(each.url.rpartition(":")[2]) for each in servers]
    both = {"server sockets:8000 resolve": "; ".join(f"server 127.0.0.1:{port}" for port in ports)}
    nginx = replace(server, url=start_nginx_alone(reaper, tmp_path, ports[1], both))
    known_at = set()
    for number in range(20):
        client = PollingClient(nginx, **from_address(f"7.0.0.{number}"))
        assert client.connect()
        assert {client.post("3").status_code for _ in range(5)} == {200}
        own = client.url.removeprefix(nginx.url)
        answers = (requests.post(each.url + own, data="3", timeout=5) for each in servers)
        known_at.add(tuple(each.status_code for each in answers))
    assert known_at == {(200, 400), (400, 200)}
    for number, transports in enumerate(TRANSPORTS * 2):
        address = from_address(f"7.0.1.{number}")
        name, token = f"behind nginx {number}", token_of(alice)
        check_that_changes_arrive(node, name, nginx.url, token, transports, **address)
        node.close(name)


def test_the_first_write_may_be_any(
    node: NodeClient, server: SocketServer, web: SocketServer, alice: User
) -> None:
    token = token_of(alice)
    picture, other = upload(web, token), upload(web, token)
    # A token that may write but not read binds nothing.
    key = limited_token(alice, "upload")
    node.open("limited", server.url)
    node.next_of("limited", "connect")
    headers = {"Authorization": f"Token {key}"}
    address = f"{web.url}/pictures/create-picture"
    made = node.write("limited", "post", address, picture=png(), headers=headers)
    assert node.hears_nothing("limited")
    node.write("limited", "delete", f"{web.url}/pictures/delete-picture/{at(made, alice)}", token)
    assert len(node.pictures("limited")) == 2
    node.close("limited")
    last = f"delete-picture/{other['id']}/{other['path']}/{alice.pk}"
    writes = [
        ("put", f"set-active-picture/{picture['id']}/{alice.pk}", 2),
        ("post", f"create-default-picture/{alice.pk}", 2),
        ("delete", last, 1),
        ("delete", f"delete-user/{alice.pk}", 0),
    ]
    for method, path, count in writes:
        node.open(path, server.url)
        node.next_of(path, "connect")
        node.write(path, method, f"{web.url}/pictures/{path}", token)
        assert len(node.pictures(path)) == count
        node.close(path)


def test_a_client_may_sign_in_at_connect(
    node: NodeClient, server: SocketServer, alice: User, bob: User
) -> None:
    token = token_of(alice)
    cookie = f"access_token={open_cookie_session(alice, RequestOrigin()).access}"
    ways = {
        "auth": {"auth": {"token": token}},
        "auth with its scheme": {"auth": {"token": f"Bearer {token}"}},
        "header": {"extraHeaders": bearer(token)},
        "cookie": {"extraHeaders": {"Cookie": cookie}},
    }  # fmt: skip
    for name, options in ways.items():
        node.open(name, server.url, **options)
        node.next_of(name, "connect")
    key = limited_token(alice, "upload", "change", "links", "account")
    node.open("limited", server.url, auth={"token": f"Token {key}"})
    assert node.next_of("limited", "connect_error") == MISSING_SCOPE
    node.close("limited")
    picture = make_picture(alice)
    for name in ways:
        assert [each["id"] for each in node.pictures(name)] == [picture.pk]
    alice.set_password("quite another one")
    alice.save()
    for name in ways:
        node.next_of(name, "disconnect")
    for name in ("auth", "auth with its scheme", "header"):
        assert node.next_of(name, "connect_error") == INVALID_TOKEN
    for name in ways:
        node.close(name)


def test_another_sites_page_cannot_use_the_cookies(
    node: NodeClient, server: SocketServer, alice: User
) -> None:
    cookie = f"access_token={open_cookie_session(alice, RequestOrigin()).access}"
    headers = {"Cookie": cookie, "Origin": "https://elsewhere.example"}
    for transports in (["polling"], ["websocket"]):
        node.open("elsewhere", server.url, transports=transports, extraHeaders=headers)
        node.next_of("elsewhere", "connect")
        make_picture(alice)
        assert node.hears_nothing("elsewhere")
        node.close("elsewhere")


def test_an_account_has_at_most_twenty_sockets(
    node: NodeClient, server: SocketServer, web: SocketServer, alice: User
) -> None:
    token = token_of(alice)
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(web.of(alice))
        for number in range(10):
            node.open(f"open{number}", server.url, auth={"token": token})
            node.next_of(f"open{number}", "connect")
        node.open("one more", server.url, auth={"token": token})
        assert node.next_of("one more", "connect_error") == TOO_MANY_SOCKETS
        node.open("unbound", server.url)
        node.next_of("unbound", "connect")
        address = f"{web.url}/pictures/create-picture"
        node.write("unbound", "post", address, token, picture=png())
        assert node.hears_nothing("unbound")
        node.close("open0")
        assert node.next_of("open0", "update-pictures")
        time.sleep(0.5)
        node.write("unbound", "post", address, token, picture=png())
        assert len(node.pictures("unbound")) == 2, "bound by the next write, once there is room"
    for name in [*(f"open{number}" for number in range(10)), "one more", "unbound"]:
        node.close(name)


def test_an_address_has_at_most_fifty_unbound_sockets(
    server: SocketServer, web: SocketServer
) -> None:
    """The same over both transports and both processes."""
    socket_url = server.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    with ExitStack() as stack:
        refused = []
        for _ in range(250):
            try:
                stack.enter_context(connect(socket_url, additional_headers=from_address("9.0.0.1")))
            except InvalidStatus as error:
                refused.append(error.response.status_code)
        polls = [PollingClient(web, **from_address("9.0.0.1")).handshake for _ in range(250)]
        refused += [each.status_code for each in polls]
        assert refused == [429] * (500 - MAX_PER_ADDRESS)
        assert "Retry-After" in polls[0].headers
        assert PollingClient(server, **from_address("9.0.0.2")).handshake.status_code == 200
        assert PollingClient(server, **from_address("2001:db8::1")).handshake.status_code == 200

    def has_room() -> bool:
        return PollingClient(server, **from_address("9.0.0.1")).handshake.status_code == 200

    assert until(has_room, 5, server.log.read_text), "slots of closed sockets are given back"


def test_what_a_client_may_send_is_bounded(server: SocketServer, alice: User) -> None:
    client = PollingClient(server, **from_address("8.0.0.1"))
    assert client.connect()
    assert client.post("42" + "x" * MAX_MESSAGE_SIZE).status_code == 413
    chunked = PollingClient(server, **from_address("8.0.0.1"))
    assert chunked.post(iter([b"x" * MAX_MESSAGE_SIZE, b"x"])).status_code == 413
    # Answers that are asked for and never read; parts of messages that never come to an end.
    greedy = PollingClient(server, **from_address("8.0.0.1"))
    codes = [greedy.post("5\x1e5\x1e5").status_code for _ in range(MAX_WAITING_PACKETS)]
    assert 400 in codes
    for text in ('451-["a",{"_placeholder":true,"num":0}]', "4" + "[" * 9000, "\x1e", "9", "40/x,"):
        client = PollingClient(server, **from_address("8.0.0.1"))
        for _ in range(5):
            assert client.post(text).status_code in {200, 400}
        assert PollingClient(server, **from_address("8.0.0.1")).connect()
    socket_url = server.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    with connect(socket_url, additional_headers=from_address("8.0.0.1")) as raw:
        for _ in range(100):
            raw.send("40/admin,")
        raw.send("40")
        assert raw.recv(timeout=5)[:1] == "0"
        assert str(raw.recv(timeout=5)).startswith("44/admin,")
        with pytest.raises(TimeoutError):
            raw.recv(timeout=0.5)


def test_old_protocols_and_scripts_are_refused_in_words_that_pages_can_read(
    server: SocketServer,
) -> None:
    for query in ("EIO=3&transport=polling", "EIO=4&transport=polling&j=1", "sid=unknown"):
        answer = requests.get(
            f"{server.url}/socket.io?{query}", headers={"Origin": "https://a.example"}, timeout=5
        )
        assert answer.status_code == 400
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    asked = {"Origin": "http://localhost", "Access-Control-Request-Method": "POST"}
    answer = requests.options(f"{server.url}/socket.io/", headers=asked, timeout=5)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def write_and_hear(
    node: NodeClient, name: str, address: str, token: str
) -> list[list[dict[str, Any]]]:
    node.write(name, "post", address, token, picture=png())
    return node.messages(name, 3)


@pytest.mark.nightly
def test_redis_may_go_away_and_come_back(
    node: NodeClient, reaper: Reaper, tmp_path: Path, alice: User
) -> None:
    redis = valkey.Valkey(reaper, valkey.find())
    child = redis.start()
    redis.wait(child)
    user, token = make_user("carol"), token_of(alice)
    with socket_server(tmp_path, *STOP_AT_ONCE, REDIS_URL=redis.url) as server:
        address = f"{server.url}/pictures/create-picture"
        for name in ("bound", "other"):
            node.open(name, server.url)
            node.next_of(name, "connect")
        node.write("bound", "post", address, token, picture=png())
        assert len(node.pictures("bound")) == 1
        child.end()
        node.write("bound", "post", address, token, picture=png())
        assert len(node.pictures("bound")) == 2, "by the table"
        node.write("other", "post", address, token_of(user), picture=png())
        assert PollingClient(server).handshake.status_code == 503
        child = redis.start()
        redis.wait(child)
        until(lambda: PollingClient(server).handshake.status_code == 200, 20, server.log.read_text)
        # A part that was away is asked again within seconds; then a write names the socket again.
        deadline = time.monotonic() + 40
        while not (heard := write_and_hear(node, "other", address, token_of(user))):
            assert time.monotonic() < deadline, server.log.read_text()
        assert len(heard[-1]) >= 2
        for name in ("bound", "other"):
            node.close(name)
    child.end()
