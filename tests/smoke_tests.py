"""A visitor's way through each contract, over HTTP: the same on every stack that is started.

Each journey begins with an account of its own and ends with its pictures gone.
"""

import base64
import uuid
from collections.abc import Callable
from typing import Any

import requests

from tests.pictures import encoded, waves

PASSWORD = "correct horse battery"
# Waits until a function says something, as long as its stack may take.
Until = Callable[[Callable[[], Any]], Any]


class Visitor(requests.Session):
    """Asks for public addresses or paths, wherever on this machine the stack listens."""

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
        """Ask, and return what is answered under the status that is expected."""
        answer = self.request(method, url, **options)
        assert answer.status_code == status, f"{method} {url}: {answer.status_code} {answer.text}"
        return answer.json()


def picture() -> bytes:
    return encoded(waves(900, 700), "JPEG", quality=90)


def signed_up(visitor: Visitor) -> str:
    """Make an account and sign it in at the auth service's door; returns its id."""
    login = f"v{uuid.uuid4().hex[:12]}"
    person = {"name": "A Visitor", "login": login, "password": PASSWORD}
    visitor.json_of("POST", "/auth/signup", 200, json=person)
    token = visitor.json_of(
        "POST", "/auth/signin", 200, json={"login": login, "password": PASSWORD}
    )["token"]
    visitor.headers["Authorization"] = f"Bearer {token}"
    account: str = visitor.json_of("GET", "/auth/currentUser", 200)["id"]
    return account


def auth_service(visitor: Visitor, until: Until) -> None:
    signed_up(visitor)
    new = {"currentPassword": PASSWORD, "newPassword": "another good password"}
    assert visitor.post("/auth/password", json=new).status_code == 200
    assert visitor.get("/auth/signout").status_code == 200
    assert visitor.get("/auth/currentUser").status_code == 401


def image_service(visitor: Visitor, until: Until) -> None:
    signed_up(visitor)
    content = picture()
    uri = f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
    name = visitor.json_of("POST", "/image", 200, json={"image": uri})["id"]
    assert visitor.json_of("GET", f"/v1/image/{name}", 200) == {"id": name, "image": uri}
    small = visitor.get(f"/image/{name}/jpeg", headers={"Size": "160"})
    assert (small.status_code, small.headers["Content-Type"]) == (200, "image/jpeg")
    assert len(small.content) < len(content)


def images_api(visitor: Visitor, until: Until) -> None:
    login = f"v{uuid.uuid4().hex[:12]}"
    person = {"login": login, "email": f"{login}@example.org", "password": PASSWORD}
    visitor.json_of("POST", "/api/registration", 200, json=person)
    del person["email"]
    token = visitor.json_of("GET", "/api/login", 200, json=person)["Authorization"]
    visitor.headers["Authorization"] = token
    content = picture()
    body = {"data": base64.b64encode(content).decode(), "description": "A hill"}
    made = visitor.json_of("POST", "/api/images", 200, json=body)
    assert visitor.get(made["source"]).content == content
    [listed] = visitor.json_of("GET", "/api/me", 200)["images"]
    assert (listed["id"], listed["description"]) == (made["id"], "A hill")


def pictures_service(visitor: Visitor, until: Until) -> None:
    account = signed_up(visitor)
    content = picture()
    made = visitor.json_of("POST", "/pictures/create-picture", 201, files={"file": content})
    name, number = made["picture"]["path"], made["picture"]["id"]
    assert visitor.get(f"/images/users/{account}/{name}").content == content
    visitor.json_of("PUT", f"/pictures/set-active-picture/{number}/{account}", 200)
    active = visitor.json_of("GET", f"/pictures/get-active-picture/{account}", 200)
    assert (active["id"], active["is_active"]) == (number, True)
    visitor.json_of("DELETE", f"/pictures/delete-picture/{number}/{name}/{account}", 409)
    visitor.json_of("DELETE", f"/pictures/delete-user/{account}", 200)
    assert visitor.json_of("GET", f"/pictures/get-user-pictures/{account}", 200) == []


def restful_api(visitor: Visitor, until: Until) -> None:
    signed_up(visitor)
    content = picture()
    made = visitor.json_of("POST", "/api/user/images/", 201, files={"image": content})
    ready = until(lambda: visitor.json_of("GET", "/api/user/thumbnails/", 200))
    for thumbnail in ready:
        answer = visitor.get(thumbnail["thumbnail"])
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    told = until(lambda: visitor.json_of("GET", "/api/user/events/", 200, params={"since": 0}))
    assert told[0]["type"] == "picture.created"
    assert visitor.delete(f"/api/user/images/{made['id']}/").status_code == 204
    assert visitor.get(f"/api/user/images/{made['id']}/").status_code == 404


JOURNEYS = (auth_service, image_service, images_api, pictures_service, restful_api)
