"""A page of another origin in a real browser, and all that it does at the five contracts."""

import base64
import json
import re
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright

from tests.chromium import launch_chromium
from tests.pictures import encode, waves

PASSWORD = "correct horse battery"
MARKS = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    # Playwright's own event loop leaves its pipes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SCRIPT = """
window.send = async ({method, url, headers, json, file, credentials, cache}) => {
    let body;
    headers = {...headers};
    if (json !== undefined) {
        body = JSON.stringify(json);
        headers["Content-Type"] = "application/json";
    }
    if (file) {
        body = new FormData();
        const bytes = Uint8Array.from(atob(file.content), (each) => each.charCodeAt(0));
        body.append(file.field, new Blob([bytes]), "a.jpg");
    }
    try {
        const response = await fetch(url, {method, headers, body, credentials, cache});
        const text = await response.text();
        return {status: response.status, headers: Object.fromEntries(response.headers), text};
    } catch (error) {
        return {status: 0, headers: {}, text: String(error)};
    }
};
window.draw = async ({url, headers}) => {
    const image = new Image();
    if (headers) {
        const response = await fetch(url, {headers});
        image.src = URL.createObjectURL(await response.blob());
    } else {
        image.crossOrigin = "anonymous";
        image.src = url;
    }
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    const isPng = canvas.toDataURL().startsWith("data:image/png");
    return {width: canvas.width, height: canvas.height, alpha: isPng ? alpha : 0};
};
window.listen = ({url, protocols}) => {
    const socket = new WebSocket(url, protocols);
    window.heard = new Promise((resolve) => {
        socket.onmessage = (message) => resolve(JSON.parse(message.data));
    });
    // The code is 1006 for a handshake that was refused.
    window.closeCode = new Promise((resolve) => { socket.onclose = ({code}) => resolve(code); });
    window.opened = new Promise((resolve, reject) => {
        [socket.onopen, socket.onerror] = [() => resolve(true), () => reject(socket.url)];
    });
    window.opened.catch(() => {});
};
"""
HTML = f"<!doctype html><title>Another origin</title><script>{SCRIPT}</script>".encode()


class _PageHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(HTML)))
        self.end_headers()
        self.wfile.write(HTML)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve_pages(certificate: Path | None = None) -> Iterator[int]:
    """Serve the page to every host name, on a port that is yielded; over TLS with a certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _PageHandler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("privkey.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Answer:
    """What a page's script got; status 0 where the browser gave it nothing."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Script:
    """The script of a page, at work at a service; `headers` go with each of its requests."""

    page: Page
    service: str
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **options: Any) -> Answer:
        headers = self.headers | options.pop("headers", {})
        request = options | {"method": method, "url": self._url(path), "headers": headers}
        return Answer(**self.page.evaluate("request => send(request)", request))

    def json_of(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Return the JSON of an answer whose status is the expected one."""
        answer = self.send(method, path, **options)
        assert answer.status == status, f"{method} {path}: {answer}"
        return json.loads(answer.text)

    def draws(self, path: str, *, with_token: bool = False) -> tuple[int, int]:
        """Draw a picture on a canvas, read the canvas back, and return width and height."""
        request = {"url": self._url(path), "headers": self.headers if with_token else None}
        drawn = self.page.evaluate("request => draw(request)", request)
        assert drawn["alpha"] == 255
        return drawn["width"], drawn["height"]

    def next_page(self, path: str) -> str:
        """Return where the `Link` of a list leads, for another list of one row."""
        answer = self.send("GET", f"{path}?limit=1")
        assert (answer.status, len(json.loads(answer.text))) == (200, 1)
        found = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers["link"])
        assert found
        assert len(self.json_of("GET", found[1])) == 1
        return found[1]

    def open_socket(self, *protocols: str) -> None:
        """Open the socket of picture events; raise Playwright's Error where it is refused."""
        self._listen(protocols)
        self.page.evaluate("() => window.opened")

    def heard(self) -> str:
        """Return the type of the socket's first event."""
        event: dict[str, str] = self.page.evaluate("() => window.heard")
        return event["type"]

    def close_code_of_socket(self) -> int:
        """Return the code by which a socket without a token is closed."""
        self._listen(())
        code: int = self.page.evaluate("() => window.closeCode")
        return code

    def _listen(self, protocols: tuple[str, ...]) -> None:
        request = {"url": f"ws{self.service[4:]}/ws/pictures/", "protocols": protocols}
        self.page.evaluate("request => listen(request)", request)

    def sign_up(self) -> str:
        """Make an account, sign it in, and return its JWT."""
        login = f"v{uuid.uuid4().hex[:12]}"
        person = {"name": "Another Origin", "login": login, "password": PASSWORD}
        self.json_of("POST", "/auth/signup", json=person)
        answer = self.send("POST", "/auth/signin", json=person | {"password": "not this one"})
        assert (answer.status, "x-status-reason" in answer.headers) == (400, True)
        token: str = self.json_of("POST", "/auth/signin", json=person)["token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        return token

    def _url(self, path: str) -> str:
        return self.service + path.removeprefix(self.service)


def upload(field: str) -> dict[str, Any]:
    return {"file": {"field": field, "content": in_base64()}}


def in_base64() -> str:
    return base64.b64encode(encode(waves(900, 600), "JPEG")).decode()


def auth_service(script: Script) -> None:
    script.sign_up()
    assert script.json_of("GET", "/auth/currentUser")["name"] == "Another Origin"
    assert script.json_of("GET", "/auth/nothing", 404)["error"] == "Not Found"
    assert script.send("GET", "/auth/signout").status == 200
    assert script.send("GET", "/auth/currentUser").text == "Unauthorized"


def image_service(script: Script) -> None:
    token = script.sign_up()
    script.open_socket("bearer", token)
    uri = f"data:image/jpeg;base64,{in_base64()}"
    name = script.json_of("POST", "/image", json={"image": uri})["id"]
    assert script.heard() == "picture.created"
    assert script.json_of("GET", f"/image/{name}")["image"] == uri
    small = script.json_of("GET", f"/v1/image/{name}", headers={"Size": "160"})
    assert small["id"] == f"{name}_160"
    assert script.draws(f"/image/{name}/jpeg", with_token=True) == (900, 600)
    assert script.json_of("GET", "/image/nothing/like/it", 404) == {"error": "Not Found"}


def images_api(script: Script) -> None:
    person = {"login": f"v{uuid.uuid4().hex[:12]}", "password": PASSWORD}
    mail = {"email": f"{person['login']}@example.org"}
    script.json_of("POST", "/api/registration", json=person | mail)
    token = script.json_of("POST", "/api/login", json=person)["Authorization"]
    script.headers = {"Authorization": token}
    script.open_socket("bearer", token)
    for _ in range(2):
        made = script.json_of("POST", "/api/images", json={"data": in_base64()})
    assert script.heard() == "picture.created"
    answer = script.send("GET", "/api/me?limit=1")
    assert 'rel="next"' in answer.headers["link"]
    assert json.loads(answer.text)["images"][0]["id"] == made["id"]
    assert script.draws(made["source"]) == (900, 600)


def pictures_service(script: Script) -> None:
    token = script.sign_up()
    account = script.json_of("GET", "/auth/currentUser")["id"]
    script.open_socket("bearer", token)
    for _ in range(2):
        made = script.json_of("POST", "/pictures/create-picture", 201, **upload("file"))["picture"]
    assert script.heard() == "picture.created"
    script.next_page(f"/pictures/get-user-pictures/{account}")
    script.json_of("PUT", f"/pictures/set-active-picture/{made['id']}/{account}")
    path = f"/images/users/{account}/{made['path']}"
    assert script.draws(path, with_token=True) == (900, 600)
    name = f"{made['id']}/{made['path']}/{account}"
    script.json_of("DELETE", f"/pictures/delete-picture/{name}", 409)
    script.json_of("DELETE", f"/pictures/delete-user/{account}")
    assert script.send("GET", path).status == 404
    assert script.draws("/images/default/default.png")[0] > 0


def restful_api(script: Script, username: str, password: str) -> None:
    """As a superuser, who may make links."""
    person = {"username": username, "password": password}
    script.headers = {"Authorization": f"Bearer {_jwt_of(script, person)}"}
    script.open_socket("bearer", script.headers["Authorization"].split()[1])
    key = script.json_of("POST", "/api/user/token/", json=person, headers={"Authorization": ""})
    script.headers = {"Authorization": f"Token {key['token']}"}
    for _ in range(2):
        made = script.json_of("POST", "/api/user/images/", 201, **upload("image"))
    assert script.heard() == "picture.created"
    script.next_page("/api/user/images/")
    script.json_of("PATCH", f"/api/user/images/{made['id']}/", json={"description": "a hill"})
    assert script.draws(made["image"]) == (900, 600)
    link = script.json_of("GET", f"/api/user/link/{made['id']}/?time=300")["url"]
    assert script.draws(link) == (900, 600)
    part = script.send("GET", made["image"], headers={"Range": "bytes=0-9", "Authorization": ""})
    assert (part.status, part.headers["content-range"][:10]) == (206, "bytes 0-9/")
    assert part.headers["etag"]
    assert script.send("DELETE", f"/api/user/images/{made['id']}/").status == 204
    assert script.json_of("GET", f"/api/user/images/{made['id']}/", 404)["detail"]


def _jwt_of(script: Script, person: dict[str, str]) -> str:
    body = {"login": person["username"], "password": person["password"]}
    token: str = script.json_of("POST", "/auth/signin", json=body)["token"]
    return token


def avatar(script: Script, until: Callable[[Callable[[], Any]], Any]) -> None:
    """Follow the redirect to a thumbnail that a worker makes."""
    script.sign_up()
    account = script.json_of("GET", "/auth/currentUser")["id"]
    made = script.json_of("POST", "/pictures/create-picture", 201, **upload("file"))["picture"]
    script.json_of("PUT", f"/pictures/set-active-picture/{made['id']}/{account}")
    script.json_of("PATCH", f"/api/user/images/{made['id']}/", json={"visibility": "public"})
    until(lambda: script.json_of("GET", "/api/user/thumbnails/"))
    assert script.draws(f"/avatars/{account}") == (300, 200)


IMAGES = "/api/user/images/"


def with_cookies(trusted: Page, untrusted: Page, elsewhere: Page, service: str) -> None:
    """What a browser's cookies show is for pages of trusted origins, of the same site, alone."""
    script = Script(trusted, service)
    login = f"v{uuid.uuid4().hex[:12]}"
    person = {"name": "Cookies", "login": login, "password": PASSWORD}
    script.json_of("POST", "/auth/signup", json=person)
    body = {"username": login, "password": PASSWORD}
    sign_in: dict[str, Any] = {"json": body, "credentials": "include"}
    assert script.json_of("POST", "/api/user/jwt-login/", **sign_in) == {"success": True}
    script.open_socket()
    made = script.json_of("POST", IMAGES, 201, credentials="include", **upload("image"))
    assert script.heard() == "picture.created"
    listed = script.json_of("GET", IMAGES, credentials="include")
    assert [row["id"] for row in listed] == [made["id"]]

    # A browser sends the cookies to the one, which is of the same site, and none to the other.
    for page, close_code in ((untrusted, 1006), (elsewhere, 4401)):
        other = Script(page, service)
        assert other.send("POST", "/api/user/jwt-login/", **sign_in).status == 0
        assert other.send("GET", IMAGES, credentials="include").status == 0
        assert other.send("POST", IMAGES, credentials="include", **upload("image")).status == 0
        assert other.send("DELETE", f"{IMAGES}{made['id']}/", credentials="include").status == 0
        # Neither what the trusted page got nor what this page was refused comes from a cache.
        assert other.send("GET", IMAGES, cache="force-cache").status == 401
        assert other.send("GET", IMAGES).status == 401
        found = other.close_code_of_socket()
        assert found == close_code, f"{page.url}: {found}"
    listed = script.json_of("GET", IMAGES, credentials="include")
    assert [row["id"] for row in listed] == [made["id"]]


def open_page(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


@dataclass(frozen=True)
class Origins:
    """Addresses of the page: of another site than the service's, and of its own site."""

    elsewhere: str
    trusted: str
    untrusted: str


def check_in_browser(
    service: str,
    origins: Origins,
    *,
    playwright: Playwright,
    program: str,
    host_names: str,
    admin: dict[str, str],
    until: Callable[[Callable[[], Any]], Any],
) -> None:
    """Have pages of all origins do what they can; `host_names` tells Chromium where names lead."""
    names = f"--host-resolver-rules={host_names}"
    with launch_chromium(playwright, program, names) as browser:
        page = open_page(browser.new_context(ignore_https_errors=True), origins.elsewhere)
        for story in (auth_service, image_service, images_api, pictures_service):
            story(Script(page, service))
        restful_api(Script(page, service), **admin)
        avatar(Script(page, service), until)
        # One profile for all: the same cookies.
        profile = browser.new_context(ignore_https_errors=True)
        trusted = open_page(profile, origins.trusted)
        untrusted, elsewhere = (
            open_page(profile, url) for url in (origins.untrusted, origins.elsewhere)
        )
        with_cookies(trusted, untrusted, elsewhere, service)
