"""A smoke test of each contract, over HTTP: the same on every stack that is started.

Each begins with an account of its own, and has its contract's name.
"""

import base64
import uuid
from collections.abc import Callable
from typing import Any

import requests

from tests.pictures import encode, waves

PASSWORD = "correct horse battery"
# Waits until a function returns something, as long as its stack may take.
Until = Callable[[Callable[[], Any]], Any]


class ServiceClient(requests.Session):
    """Requests public addresses or paths, wherever on this machine the stack listens."""

    def __init__(self, url: str, public: str, **headers: str) -> None:
        super().__init__()
        self._url, self._public = url, public
        self.headers.update(headers)
        self.trust_env = False

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]  # a few of many
        options.setdefault("timeout", 60)
        options.setdefault("allow_redirects", False)
        return super().request(method, self._url + url.removeprefix(self._public), **options)

    def json_of(self, method: str, url: str, status: int, **options: Any) -> Any:
        """Return the JSON of a response whose status is the expected one."""
        response = self.request(method, url, **options)
        assert response.status_code == status, (
            f"{method} {url}: {response.status_code} {response.text}"
        )
        return response.json()


def picture() -> bytes:
    return encode(waves(900, 700), "JPEG", quality=90)


def sign_up(client: ServiceClient) -> str:
    """Make an account and sign it in at the auth service; return its id."""
    login = f"v{uuid.uuid4().hex[:12]}"
    person = {"name": "A Smoke Test", "login": login, "password": PASSWORD}
    client.json_of("POST", "/auth/signup", 200, json=person)
    token = client.json_of(
        "POST", "/auth/signin", 200, json={"login": login, "password": PASSWORD}
    )["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    account: str = client.json_of("GET", "/auth/currentUser", 200)["id"]
    return account


def auth_service(client: ServiceClient, until: Until) -> None:
    sign_up(client)
    new = {"currentPassword": PASSWORD, "newPassword": "another good password"}
    assert client.post("/auth/password", json=new).status_code == 200
    assert client.get("/auth/signout").status_code == 200
    assert client.get("/auth/currentUser").status_code == 401


def image_service(client: ServiceClient, until: Until) -> None:
    sign_up(client)
    content = picture()
    uri = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
    name = client.json_of("POST", "/image", 200, json={"image": uri})["id"]
    assert client.json_of("GET", f"/v1/image/{name}", 200) == {"id": name, "image": uri}
    small = client.get(f"/image/{name}/jpeg", headers={"Size": "160"})
    assert (small.status_code, small.headers["Content-Type"]) == (200, "image/jpeg")
    assert len(small.content) < len(content)


def images_api(client: ServiceClient, until: Until) -> None:
    login = f"v{uuid.uuid4().hex[:12]}"
    person = {"login": login, "email": f"{login}@example.org", "password": PASSWORD}
    client.json_of("POST", "/api/registration", 200, json=person)
    del person["email"]
    token = client.json_of("GET", "/api/login", 200, json=person)["Authorization"]
    client.headers["Authorization"] = token
    content = picture()
    body = {"data": base64.b64encode(content).decode(), "description": "A hill"}
    made = client.json_of("POST", "/api/images", 200, json=body)
    assert client.get(made["source"]).content == content
    [listed] = client.json_of("GET", "/api/me", 200)["images"]
    assert (listed["id"], listed["description"]) == (made["id"], "A hill")


def pictures_service(client: ServiceClient, until: Until) -> None:
    account = sign_up(client)
    content = picture()
    made = client.json_of("POST", "/pictures/create-picture", 201, files={"file": content})
    name, number = made["picture"]["path"], made["picture"]["id"]
    assert client.get(f"/images/users/{account}/{name}").content == content
    client.json_of("PUT", f"/pictures/set-active-picture/{number}/{account}", 200)
    active = client.json_of("GET", f"/pictures/get-active-picture/{account}", 200)
    assert (active["id"], active["is_active"]) == (number, True)
    client.json_of("DELETE", f"/pictures/delete-picture/{number}/{name}/{account}", 409)
    client.json_of("DELETE", f"/pictures/delete-user/{account}", 200)
    assert client.json_of("GET", f"/pictures/get-user-pictures/{account}", 200) == []


def restful_api(client: ServiceClient, until: Until) -> None:
    sign_up(client)
    content = picture()
    made = client.json_of("POST", "/api/user/images/", 201, files={"image": content})
    ready = until(lambda: client.json_of("GET", "/api/user/thumbnails/", 200))
    for thumbnail in ready:
        response = client.get(thumbnail["thumbnail"])
        assert (response.status_code, response.headers["Content-Type"]) == (200, "image/jpeg")
    events = until(lambda: client.json_of("GET", "/api/user/events/", 200, params={"since": 0}))
    assert events[0]["type"] == "picture.created"
    assert client.delete(f"/api/user/images/{made['id']}/").status_code == 204
    assert client.get(f"/api/user/images/{made['id']}/").status_code == 404


SMOKE_TESTS = (auth_service, image_service, images_api, pictures_service, restful_api)
