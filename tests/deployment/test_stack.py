"""The deployment, process by process, against real servers behind a real nginx."""

import json
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
import redis
import requests
import urllib3
from playwright.sync_api import sync_playwright
from websockets.sync.client import connect

from api.contracts import CONTRACTS, Contract
from api.problems import Problem
from devkit.children import Child, Reaper
from tests.api.pictures_service.socketio.clients import (
    TRANSPORTS,
    check_that_changes_arrive,
    node_client,
)
from tests.body_clients import upload_without_a_length
from tests.deployment.clients import ProxyClient
from tests.deployment.stack import HOST, Stack, nginx_conf
from tests.other_origins import Origins, check_in_browser, serve_pages
from tests.pictures import encode, waves
from tests.processes import ROOT
from tests.servers.databases import fresh_database
from tests.servers.nginx import Nginx
from tests.servers.ports import free_ports, listens
from tests.servers.postgres import find
from tests.servers.rabbitmq import Broker, RabbitMQ
from tests.smoke_tests import SMOKE_TESTS, ServiceClient, Until
from tests.waiting import are_prompt, record_duration

pytestmark = [
    pytest.mark.processes,
    pytest.mark.rabbitmq,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]
TOO_LARGE = 22 * 1024 * 1024


@pytest.fixture(autouse=True)
def forget_rates(stack: Stack) -> None:
    """Give each test the rates of its own minute: all come from one address, in any order."""
    password = stack.variables["REDIS_PASSWORD"]
    with redis.Redis(port=stack.addresses.redis_port, password=password) as server:
        for key in server.scan_iter("*-limits*"):
            server.delete(key)


@pytest.fixture(scope="module")
def admin_token(stack: Stack) -> str:
    with ProxyClient(stack) as client:
        return client.sign_in("admin", stack.variables["ADMIN_PASSWORD"])


@pytest.fixture
def admin(client: ProxyClient, admin_token: str) -> ProxyClient:
    client.headers["Authorization"] = f"Token {admin_token}"
    return client


def upload(admin: ProxyClient) -> tuple[bytes, dict[str, str]]:
    content = encode(waves(800, 600), "JPEG", quality=90)
    answer = admin.post("/api/user/images/", files={"image": content})
    assert answer.status_code == 201, answer.text
    return content, answer.json()


def thumbnail_of(stack: Stack, admin: ProxyClient, made: dict[str, Any]) -> str:
    def listed() -> list[str]:
        rows = admin.get("/api/user/thumbnails/").json()
        return [row["thumbnail"] for row in rows if row["image_id"] == made["id"]]

    return str(stack.until(listed)[0])


def test_a_picture_from_upload_to_its_thumbnail_by_nginx(stack: Stack, admin: ProxyClient) -> None:
    content, made = upload(admin)
    thumbnail = thumbnail_of(stack, admin, made)
    stranger = ProxyClient(stack)
    for url in (made["image"], thumbnail):
        answer = stranger.get(url)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
        # The service knows no time of writing: that nginx sent the file shows in this header.
        assert "Last-Modified" in answer.headers
        assert "X-Accel-Redirect" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "private" in answer.headers["Cache-Control"]
        assert answer.headers["X-Robots-Tag"] == "noindex, noarchive"
    assert admin.get(made["image"]).content == content


@pytest.mark.parametrize("smoke_test", SMOKE_TESTS)
def test_every_contract_holds_in_the_deployment(
    stack: Stack, client: ProxyClient, smoke_test: Callable[[ServiceClient, Until], None]
) -> None:
    smoke_test(client, stack.until)


def test_nginx_sends_parts_and_says_what_did_not_change(stack: Stack, admin: ProxyClient) -> None:
    content, made = upload(admin)
    part = admin.get(made["image"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, content[10:20])
    for listed, status in (("bytes=,10-19", 206), ("bytes=0-1, 4-5", 200)):
        answer = admin.get(made["image"], headers={"Range": listed})
        expected = content[10:20] if status == 206 else content
        assert (answer.status_code, answer.content) == (status, expected)
    tag = part.headers["ETag"]
    assert admin.get(made["image"], headers={"If-None-Match": tag}).status_code == 304
    assert admin.get(made["image"], headers={"If-Match": tag}).status_code == 200
    modified = part.headers["Last-Modified"]
    assert admin.get(made["image"], headers={"If-Unmodified-Since": modified}).status_code == 200
    longer_ago = "Wed, 21 Oct 2015 07:28:00 GMT"
    for unmet in ({"If-Match": '"another"'}, {"If-Unmodified-Since": longer_ago}):
        refused = admin.get(made["image"], headers=unmet)
        assert (refused.status_code, refused.content) == (412, b"")  # no page of nginx


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_pages_of_other_origins_do_their_work_through_nginx(
    stack: Stack, chromium_program: str
) -> None:
    """Over HTTPS; the bytes come from nginx itself."""
    here = "127.0.0.1"
    with serve_pages(stack.certificate) as pages, sync_playwright() as playwright:
        check_in_browser(
            f"https://{HOST}",
            Origins(
                elsewhere=f"https://page.elsewhere.example:{pages}/",
                trusted=f"https://trusted.example.org:{pages}/",
                untrusted=f"https://untrusted.example.org:{pages}/",
            ),
            playwright=playwright,
            program=chromium_program,
            host_names=(
                f"MAP {HOST}:443 {here}:{stack.addresses.https_port}, "
                f"MAP *.example.org {here}, MAP *.elsewhere.example {here}"
            ),
            admin={"username": "admin", "password": stack.variables["ADMIN_PASSWORD"]},
            until=stack.until,
        )


def test_the_internal_location_is_nobodys_address(stack: Stack, admin: ProxyClient) -> None:
    _, made = upload(admin)
    key = made["image"].split("?")[0].partition("/images/")[2]
    assert (stack.addresses.pictures / key).is_file()
    for path in (f"/protected/{key}", f"/protected/../protected/{key}", "/protected/"):
        assert admin.get(path).status_code == 404


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_nginx_refuses_gets_413_in_the_contracts_shape(
    stack: Stack, client: ProxyClient, contract: Contract, is_chunked: bool
) -> None:
    body = (b"\0" * 65536 for _ in range(TOO_LARGE // 65536)) if is_chunked else b"\0" * TOO_LARGE
    url = f"{contract.prefixes[0]}/anything"
    response = client.post(url, data=body, headers={"Content-Type": "application/json"})
    own = contract.error_response(Problem("too_large", 413, "The body is too large."))
    assert (response.status_code, response.content) == (413, own.content)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Content-Type"] == "application/json"


def test_a_body_without_a_length_is_read_behind_nginx_and_without_it(
    stack: Stack, admin: ProxyClient
) -> None:
    upload_without_a_length(admin, "")
    token = {"Authorization": str(admin.headers["Authorization"])}
    with requests.Session() as direct:
        direct.headers.update({"Host": HOST, "X-Forwarded-Proto": "https", **token})
        upload_without_a_length(direct, f"http://127.0.0.1:{stack.addresses.web_port}")


UPLOADS = {
    "/image": "application/json",
    "/api/images": "application/json",
    "/api/user/images/": "multipart/form-data; boundary=limit",
    "/pictures/create-picture": "multipart/form-data; boundary=limit",
}


def early_refusals(stack: Stack, token: str) -> list[tuple[int, str, dict[str, str]]]:
    """What is refused before its body is read: status, path and headers, at each contract."""
    with ProxyClient(stack) as client:
        account = {"username": "admin", "password": stack.variables["ADMIN_PASSWORD"]}
        answer = client.post("/api/user/jwt-login/", json=account)
    cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    refusals = []
    for path, content_type in UPLOADS.items():
        is_of = {"Content-Type": content_type}
        signed_in = {**is_of, "Authorization": f"Token {token}"}
        refusals += [
            (401, path, is_of),
            (403, path, {**is_of, "Cookie": cookies, "Sec-Fetch-Site": "cross-site"}),
            # Where no picture comes in, nginx takes 64 KB.
            (413, f"{path.rstrip('/')}/nowhere/at/all", signed_in),
            (415, path, {**signed_in, "Content-Encoding": "gzip"}),
            (400, path, {**is_of, "Host": "elsewhere.example"}),
        ]
    texts = ("/auth/signin", "/auth/password", "/api/login", "/api/user/token/", "/admin/login/")
    refusals += [(413, path, {"Content-Type": "application/json"}) for path in texts]
    return refusals


def test_refusals_before_the_body_is_read_arrive(stack: Stack, admin_token: str) -> None:
    """Granian would close the connection, which nginx takes for a service that is away.

    The connection is good for more afterwards. How often it failed: 19 of 20 at 1 MB.
    """
    wrong = []
    with ProxyClient(stack) as client:
        for status, path, headers in early_refusals(stack, admin_token):
            for size in (100_000, 1_000_000, 5_000_000, 21_000_000):
                answer = client.post(path, data=b"\0" * size, headers=headers)
                after = client.get("/healthz").status_code
                if (answer.status_code, after) != (status, 200):
                    wrong.append((status, path, size, answer.status_code, after))
    assert not wrong


def test_a_connection_is_good_for_more_after_a_refused_body(
    stack: Stack, admin: ProxyClient
) -> None:
    admin.post("/api/user/images/", data=b"\0" * TOO_LARGE)
    assert admin.get("/api/user/images/").status_code == 200


def test_thousands_of_half_open_connections_keep_nobody_out(stack: Stack) -> None:
    """All of one address: silent, half a header, half a body, half an upload."""
    start = f"POST /auth/signin HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n".encode()
    begun = [
        b"", start[:40], start + b"Content-Length: 90\r\n\r\n{",
        start + b"Content-Length: 99999\r\n\r\n{",
    ]  # fmt: skip
    account = {"login": "admin", "password": stack.variables["ADMIN_PASSWORD"]}
    with many_files(2500), ExitStack() as connections, ProxyClient(stack) as client:
        for number in range(2100):
            address = ("127.0.0.1", stack.addresses.http_port)
            line = connections.enter_context(socket.create_connection(address))
            line.sendall(begun[number % len(begun)])
        durations: list[float] = []
        for _ in range(5):
            with record_duration(durations):
                assert client.get("/healthz").status_code == 200
            with record_duration(durations):
                assert client.post("/auth/signin", json=account).status_code == 200
        assert are_prompt(durations), durations


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Let this process open as many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_event_arrives_at_a_socket_through_nginx(stack: Stack, admin: ProxyClient) -> None:
    token = {"Authorization": str(admin.headers["Authorization"])}
    line = socket.create_connection(("127.0.0.1", stack.addresses.http_port))
    with connect(f"ws://{HOST}/ws/pictures/", additional_headers=token, sock=line) as opened:
        _, made = upload(admin)
        received: list[str] = []
        while len(received) < 2:
            event = json.loads(opened.recv(timeout=60))
            # The thumbnails of an earlier test's picture may become ready meanwhile.
            if event["picture"]["id"] == made["id"]:
                received.append(event["type"])
    assert received == ["picture.created", "thumbnails.ready"]


def test_the_pictures_services_clients_hear_over_socketio_through_nginx(
    stack: Stack, client: ProxyClient, node_modules: Path
) -> None:
    """With TLS at nginx and before it; the session's end closes a socket by its wake-up.

    The reconciler alone would close each socket three seconds after the one before.
    """
    credentials = {"login": "admin", "password": stack.variables["ADMIN_PASSWORD"]}
    tls_before = f"http://{HOST}:{stack.addresses.http_port}"
    ways = {
        tls_before: {"X-Forwarded-Proto": "https"},
        f"https://{HOST}:{stack.addresses.https_port}": {},
    }
    tokens: dict[str, str] = {}
    with node_client(node_modules, host=HOST, certificate=stack.certificate) as node:
        for url, headers in ways.items():
            for transports in TRANSPORTS:
                name = f"{url} {transports}"
                tokens[name] = client.post("/auth/signin", json=credentials).json()["token"]
                check_that_changes_arrive(node, name, url, tokens[name], transports, **headers)
        durations: list[float] = []
        for name, token in tokens.items():
            with record_duration(durations):
                client.get("/auth/signout", headers={"Authorization": f"Bearer {token}"})
                assert node.skip_to(name, "disconnect") == "transport close"
            node.close(name)
    assert are_prompt(durations), durations


def test_a_logout_goes_out_and_another_services_logout_comes_in(
    stack: Stack, client: ProxyClient
) -> None:
    body = {"login": "admin", "password": stack.variables["ADMIN_PASSWORD"]}
    first, second = (client.post("/auth/signin", json=body).json()["token"] for _ in range(2))
    with pika.BlockingConnection(pika.URLParameters(stack.addresses.broker)) as broker:
        channel = broker.channel()
        channel.exchange_declare("auth", exchange_type="fanout", durable=False)
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "auth")
        client.get("/auth/signout", headers={"Authorization": f"Bearer {first}"})
        ours = {"type": "logout", "message": f"bearer {first}"}
        # An earlier test's logout may come first.
        stack.until(lambda: json.loads(channel.basic_get(queue, auto_ack=True)[2] or "{}") == ours)
        logout = json.dumps({"type": "logout", "message": f"bearer {second}"})
        channel.basic_publish("auth", "", logout.encode())
    signed_in = {"Authorization": f"Bearer {second}"}
    stack.until(lambda: client.get("/auth/currentUser", headers=signed_in).status_code == 401)


@pytest.mark.nightly
def test_every_health_check_passes_and_fails_where_nothing_runs(stack: Stack) -> None:
    for name in stack.children:
        stack.until(partial(stack.is_healthy, name))
    elsewhere = replace(
        stack.addresses, web_port=1, sockets_port=1, http_port=1, folder=make_empty_folder(stack)
    )
    dead = replace(stack, addresses=elsewhere, children={})
    for name in set(stack.children) - {"worker"}:
        assert not dead.is_healthy(name), name


def make_empty_folder(stack: Stack) -> Path:
    folder: Path = stack.addresses.folder / "empty"
    folder.mkdir()
    return folder


@pytest.mark.nightly
def test_backup_and_restore_need_neither_redis_nor_rabbitmq(
    stack: Stack, admin: ProxyClient, tmp_path: Path
) -> None:
    """As docs/operations.md has an operator run them: the latter beside PostgreSQL alone."""
    content, made = upload(admin)
    nowhere = replace(stack.addresses, broker="amqp://127.0.0.1:1/", redis_port=1)
    old = replace(stack, addresses=nowhere)
    # Beside the app, where the commands run: for both the same folder.
    assert run_manage(old, "back_up", "../backups").endswith(" 0 kept.")
    with fresh_database(os.environ["DATABASE_URL"], "tintype_restored") as database:
        (tmp_path / "pictures").mkdir()
        there = replace(old.addresses, database=database, folder=tmp_path)
        new = replace(stack, addresses=there, children={})
        assert "Now run verify_storage." in run_manage(new, "restore", "../backups")
        assert "missing" not in run_manage(new, "verify_storage", "--hash")
    key = made["image"].split("?")[0].partition("/images/")[2]
    assert (tmp_path / "pictures" / key).read_bytes() == content


def run_manage(stack: Stack, *arguments: str) -> str:
    """Run a command of `manage.py`, with the pg_dump of the server that is here."""
    web = stack.services["web"]
    web = replace(web, environment=web.environment | {"PG_BIN": str(find().folder)})
    with_programs = replace(stack, services=stack.services | {"web": web})
    finished = with_programs.run("web", ["python", "manage.py", *arguments])
    assert finished.returncode == 0, finished.stderr
    return str(finished.stdout).strip()


def test_everything_is_ready(stack: Stack, client: ProxyClient) -> None:
    stack.until(lambda: client.get("/readyz").json()["ready"])


def test_the_admin_has_its_static_files(stack: Stack, client: ProxyClient) -> None:
    page = client.get("/admin/login/")
    assert page.status_code == 200
    sheets = [part.split('"')[0] for part in page.text.split('href="')[1:] if ".css" in part]
    assert sheets
    for sheet in sheets:
        answer = client.get(sheet)
        assert (answer.status_code, answer.headers["Content-Type"]) == (
            200,
            'text/css; charset="utf-8"',
        )
        assert "immutable" in answer.headers["Cache-Control"]


def test_tls_ends_at_nginx(stack: Stack) -> None:
    url = f"https://127.0.0.1:{stack.addresses.https_port}/api/user/images/"
    answer = requests.get(url, headers={"Host": HOST}, verify=str(stack.certificate), timeout=30)
    assert (answer.status_code, answer.json()["detail"]) == (401, answer.json()["detail"])
    assert answer.headers["Strict-Transport-Security"]
    plain = requests.get(
        f"{stack.url}/admin/login/", headers={"Host": HOST}, allow_redirects=False, timeout=30
    )
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{HOST}/admin/login/")


@pytest.mark.nightly
@pytest.mark.usefixtures("caddy_program")
def test_caddy_in_front_brings_tls_and_passes_all_on(
    stack: Stack, admin_token: str, reaper: Reaper, tmp_path: Path
) -> None:
    """By deploy/proxies/Caddyfile, but for ports and the authority that signs."""
    [port] = free_ports(1)
    sample = (ROOT / "deploy" / "proxies" / "Caddyfile").read_text()
    here = sample.replace("127.0.0.1:8080", f"127.0.0.1:{stack.addresses.http_port}")
    here = here.replace(f"{HOST} {{", f"https://{HOST}:{port} {{\n\ttls internal", 1)
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    (tmp_path / "Caddyfile").write_text(options + here)
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    homes = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    Child.start(reaper, "caddy", command, env={"PATH": os.environ["PATH"], **homes})
    authority = tmp_path / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    stack.until(authority.exists)
    stack.until(partial(listens, port))
    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", port, server_hostname=HOST, assert_hostname=HOST, ca_certs=str(authority)
    ) as pool:
        headers = {"Host": HOST, "Authorization": f"Token {admin_token}"}
        content = encode(waves(80, 60), "PNG")
        made = pool.request(
            "POST", "/api/user/images/", fields={"image": ("a.png", content)}, headers=headers
        )
        assert made.status == 201, made.data
        address = urlsplit(made.json()["image"])
        assert (address.scheme, address.netloc) == ("https", HOST)
        read = pool.request("GET", f"{address.path}?{address.query}", headers={"Host": HOST})
        assert read.data == content
        assert pool.request("GET", "/", headers={"Host": "elsewhere.example"}).data == b""


def test_another_hosts_name_is_refused_and_leads_nowhere_else(stack: Stack) -> None:
    """Plain HTTP leads to the public address, whatever name was asked for."""
    named = {"Host": "elsewhere.example"}
    over_tls = {**named, "X-Forwarded-Proto": "https"}
    assert requests.get(stack.url, headers=over_tls, timeout=30).status_code == 400
    plain = requests.get(stack.url, headers=named, allow_redirects=False, timeout=30)
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{HOST}/")


BEGUN = f"POST /api/user/images/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nimage"


@pytest.mark.parametrize("begun", [BEGUN[:30], BEGUN], ids=["half a header", "half a body"])
def test_a_sender_who_stops_is_cut_off(
    stack: Stack, reaper: Reaper, tmp_path: Path, begun: str
) -> None:
    """The service never hears of it: nginx waits as the mounted file says, but here a second."""
    [port] = free_ports(1)
    short = {"client_header_timeout 10s": "client_header_timeout 1s"}
    short["client_body_timeout 60s"] = "client_body_timeout 1s"
    nginx = Nginx(reaper, tmp_path, nginx_conf(stack, port, tmp_path / "tls", short), port)
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.settimeout(60)
        slow.sendall(begun.encode())
        assert b"200 OK" not in until_cut_off(slow)
    assert nginx.child.stop(20) == 0


def until_cut_off(connection: socket.socket) -> bytes:
    """Read until the other side ends the connection, by whatever means; TimeoutError if never."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part
    return received


def test_tasks_travel_through_a_quorum_queue_with_confirms(
    stack: Stack, admin: ProxyClient, rabbitmq_server: Broker
) -> None:
    assert isinstance(rabbitmq_server, RabbitMQ)
    upload(admin)
    vhost = ["-p", "deployment"]
    queues = rabbitmq_server.control("list_queues", *vhost, "name", "type", "durable")
    found = [line.split("\t") for line in queues.splitlines()]
    for name in ("tintype", "tintype.background"):
        assert [name, "quorum", "true"] in found
    channels = rabbitmq_server.control("list_channels", *vhost, "confirm", "messages_unconfirmed")
    assert ["true", "0"] in [line.split("\t") for line in channels.splitlines()]


def test_an_upload_is_answered_while_the_broker_confirms_nothing(
    stack: Stack, admin: ProxyClient, rabbitmq_server: Broker
) -> None:
    """Under a memory alarm the broker reads from no publisher; afterwards all is made up for."""
    assert isinstance(rabbitmq_server, RabbitMQ)
    watermark = "vm_memory_monitor:set_vm_memory_high_watermark({})"
    rabbitmq_server.evaluate(watermark.format("0.000001"))
    try:
        alarms = partial(rabbitmq_server.evaluate, "rabbit_alarm:get_alarms()")
        stack.until(lambda: "memory" in alarms())
        _, made = upload(admin)
    finally:
        rabbitmq_server.evaluate(watermark.format("0.4"))
    thumbnail_of(stack, admin, made)
