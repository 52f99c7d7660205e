"""Every route, for every kind of origin: what its pages may read, and what they may send."""

from collections.abc import Iterator
from itertools import islice

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import resolve
from pytest_django import Settings

from accounts.models import User
from api.contracts import CONTRACTS
from api.views import ContractView
from config.middleware.body_limit import HEADER as TOO_LARGE
from delivery.addresses import BYTE_PREFIXES, leads_to_bytes
from images.signed_urls import signed_path
from tests.api.routes import routes, routes_of
from tests.api.test_urls import PARTS
from tests.clients import Client, Response
from tests.factories import make_picture
from tests.pictures import encode, waves

pytestmark = pytest.mark.django_db

TRUSTED = "https://trusted.example"
ORIGINS = {"none": "", "any": "https://other.example", "trusted": TRUSTED, "null": "null"}
EXPOSED = (
    "X-Status-Reason, Link, Retry-After, Last-Event-ID, ETag, X-Request-ID, Content-Range, "
    "Accept-Ranges, Content-Disposition, Allow"
)
WITHOUT = {
    "healthz", "readyz", "robots.txt", "metrics", "i18n/setlang/", "join/", "join/<str:token>/",
    "reset/", "reset/<str:token>/", "verify/<str:token>/", *routes_of("delivery.gallery_urls"),
    "manifest.webmanifest", "service-worker.js", "share/",
}  # fmt: skip
MORE_PARTS = {
    "<path:key>": "users/nobody/none.jpg",
    "<str:token>": "nonsense",
    "<anyuuid:uid>": "00000000-0000-4000-8000-000000000000",
}


def path_of(route: str) -> str:
    path = "/" + route
    for part, example in (PARTS | MORE_PARTS).items():
        path = path.replace(part, example)
    assert "<" not in path, "a new kind of path part: say here how to fill it"
    return path


def requests_of(client: Client, path: str, origin: dict[str, str]) -> Iterator[Response]:
    """Yield what one origin gets at an address: answers of views, and refusals before them."""
    yield client.get(path, headers=origin)
    yield client.get(path, headers=origin | {"Authorization": "Bearer a.b.c"})
    yield client.generic("PROPFIND", path, headers=origin)
    yield client.options(path, headers=origin)
    yield client.post(path, headers=origin | {TOO_LARGE: "yes"})
    yield client.get(path, headers=origin | {"Host": "evil.example"})


def cors_headers_of(response: Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name.startswith("Access-Control-")
    }


def expected(kind: str, *, any_origin: bool) -> dict[str, str]:
    if kind == "trusted":
        own = {"Access-Control-Allow-Origin": TRUSTED, "Access-Control-Allow-Credentials": "true"}
        return own | {"Access-Control-Expose-Headers": EXPOSED}
    if not any_origin:
        return {}
    return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}


@pytest.mark.parametrize("any_origin", [True, False], ids=["any origin", "trusted alone"])
@pytest.mark.parametrize("route", sorted(set(routes()) - WITHOUT))
def test_every_response_says_who_may_read_it(
    settings: Settings, route: str, any_origin: bool
) -> None:
    settings.CORS_ANY_ORIGIN = any_origin
    client = Client(raise_request_exception=False)
    for kind, origin in ORIGINS.items():
        client.cookies.clear()
        requests = requests_of(client, path_of(route), {"Origin": origin} if origin else {})
        # Of which kind an origin is does not depend on what is answered: these two get all.
        for response in islice(requests, None if kind in {"any", "trusted"} else 1):
            assert cors_headers_of(response) == expected(kind, any_origin=any_origin)
            assert "Origin" in response["Vary"].split(", ")


@pytest.mark.parametrize("route", sorted(set(routes()) - WITHOUT))
def test_every_preflight_names_the_methods_of_the_route(settings: Settings, route: str) -> None:
    path = path_of(route)
    view_class = getattr(resolve(path).func, "view_class", None)
    methods = {"GET", "HEAD"}
    if view_class:
        assert issubclass(view_class, ContractView) or route.startswith("api/")
        view = view_class()
        view.setup(None)
        methods = set(view.allowed_methods) - {"OPTIONS"}
    client = Client()
    for origin in filter(None, ORIGINS.values()):
        asks = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        response = client.options(path, headers=asks)
        headers = cors_headers_of(response)
        assert (response.status_code, response.content) == (204, b"")
        assert "Content-Type" not in response.headers
        assert set(headers.pop("Access-Control-Allow-Methods").split(", ")) == methods
        assert headers.pop("Access-Control-Max-Age") == "86400"
        assert "Authorization" in headers.pop("Access-Control-Allow-Headers")
        own = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        assert headers == (own if origin == TRUSTED else {"Access-Control-Allow-Origin": "*"})
        assert response["Vary"] == "Origin, Access-Control-Request-Method"
    settings.CORS_ANY_ORIGIN = False
    assert cors_headers_of(Client().options(path, headers=asks | {"Origin": "null"})) == {}


@pytest.mark.parametrize("path", [*map(path_of, sorted(WITHOUT)), "/admin/login/", "/nowhere"])
def test_pages_and_the_admin_are_for_their_own_origin(path: str) -> None:
    client = Client(raise_request_exception=False)
    for origin in ORIGINS.values():
        client.cookies.clear()
        for response in requests_of(client, path, {"Origin": origin} if origin else {}):
            assert cors_headers_of(response) == {}
            assert "Cross-Origin-Resource-Policy" not in response.headers
        asks = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        assert cors_headers_of(Client().options(path, headers=asks)) == {}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_a_contracts_404_can_be_read_whatever_the_method(contract: object) -> None:
    [path] = {f"{each.prefixes[0]}/no/such/thing" for each in CONTRACTS if each is contract}
    asks = {"Origin": "https://other.example", "Access-Control-Request-Method": "DELETE"}
    preflight = Client().options(path, headers=asks)
    assert "DELETE" in preflight["Access-Control-Allow-Methods"].split(", ")
    response = Client().delete(path, headers={"Origin": "https://other.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (404, "*")


def test_a_plain_options_is_no_method_of_any_contract(as_alice: Client) -> None:
    response = as_alice.options("/api/user/images/", headers={"Origin": "https://other.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (405, "*")


def test_a_preflight_needs_neither_a_token_nor_a_query(
    django_assert_num_queries: object,
) -> None:
    asks = {"Origin": TRUSTED, "Access-Control-Request-Method": "DELETE"}
    with django_assert_num_queries(0):  # type: ignore[operator]  # a fixture without a type
        assert Client().options("/api/user/images/1/", headers=asks).status_code == 204


def test_a_redirect_to_https_can_be_followed_by_a_page(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = Client().get("/api/me", headers={"Origin": "https://other.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (301, "*")


def test_a_failure_that_nobody_foresaw_can_be_read(
    monkeypatch: pytest.MonkeyPatch, as_alice: Client
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("api.images_api.views.read_page", fail)
    as_alice.raise_request_exception = False
    response = as_alice.get("/api/me", headers={"Origin": "null"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (500, "*")


@pytest.mark.parametrize("path", ["/api/user/images/", "/images/default/default.png"])
def test_what_another_sites_page_asks_with_cookies_it_cannot_read(path: str) -> None:
    """Nor does any cache give it to that page later: the answer varies with the cookie."""
    client = Client()
    client.cookies["access_token"] = "whatever"
    response = client.get(path, headers={"Origin": "https://other.example"})
    assert cors_headers_of(response) == {}
    assert {"Origin", "Cookie"} <= set(response["Vary"].split(", "))
    trusted = client.get(path, headers={"Origin": TRUSTED})
    assert cors_headers_of(trusted) == expected("trusted", any_origin=True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"Range": "bytes=0-9"}, 206), ({"Range": "bytes=99999999-"}, 416), ({}, 304)],
)
def test_bytes_in_every_form_can_be_shown_and_read(
    alice: User, headers: dict[str, str], status: int
) -> None:
    content = encode(waves(40, 30), "PNG")
    picture = make_picture(alice, content=content)
    path = signed_path(picture.key)
    if status == 304:
        headers = {"If-None-Match": Client().get(path)["ETag"]}
    response = Client().get(path, headers=headers | {"Origin": "https://other.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (status, "*")
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_a_contracts_bytes_may_be_shown_by_a_page_that_isolates_itself(as_alice: Client) -> None:
    file = SimpleUploadedFile("a.png", encode(waves(40, 30), "PNG"))
    as_alice.post("/api/user/images/", {"image": file})
    [row] = as_alice.get("/api/me").json()["images"]
    response = as_alice.get(row["source"])
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_what_leads_to_bytes_is_what_delivery_serves() -> None:
    paths = {f"/{route}" for route in routes_of("delivery.urls")}
    assert {path for path in paths if not leads_to_bytes(path)} == set()
    assert {f"/{path.split('/')[1]}" for path in paths} == set(BYTE_PREFIXES)
