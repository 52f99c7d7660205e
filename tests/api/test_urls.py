"""Closed by default: every route refuses a caller without a token unless it is listed here."""

import pytest

from tests.api.routes import routes
from tests.clients import Client

PUBLIC = {
    "": "the gallery's page, which signs in; so at each of its addresses",
    "p/<id:pk>/": "the gallery's page",
    "p/<id:pk>/details/": "the gallery's page",
    "p/<id:pk>/links/": "the gallery's page",
    "links/": "the gallery's page",
    "account/": "the gallery's page",
    "account/delete/": "the gallery's page",
    "manifest.webmanifest": "what a phone installs",
    "service-worker.js": "what a phone installs",
    "share/": "it leads to the gallery's page, and reads nothing",
    "robots.txt": "search engines ask before anything else",
    "healthz": "a load balancer asks",
    "readyz": "a load balancer asks",
    "avatars/<anyuuid:user_id>": "what an account shows to everybody",
    "avatars/<anyuuid:user_id>/<str:name>": "what an account shows to everybody",
    "images/<path:key>": "the address is signed, or the picture's visibility decides",
    "images/default/default.png": "the picture of accounts that chose none",
    "pictures/create-default-picture/<anyuuid:user_id>": "the contract has it public; throttled",
    "l/<str:token>": "the token is signed",
    "api/docs/": "what there is to call",
    "api/schema/": "what there is to call",
    "api/schema/asyncapi.yaml": "what the socket sends",
    "api/user/jwt-login/": "signing in",
    "api/user/jwt-logout/": "204 also with a dead cookie",
    "api/user/token/": "signing in",
    "api/user/password-reset/": "whoever forgot the password; throttled",
    "api/user/password-reset/confirm/": "the token is signed",
    "api/user/site/": "what a sign-in page asks first",
    "api/user/invitations/<str:token>/": "the token is signed",
    "api/images/<anyuuid:uid>": "a public picture asks for no token",
    "api/login": "signing in",
    "api/registration": "making an account",
    "auth/signin": "signing in",
    "auth/signup": "making an account",
    "join/": "making an account",
    "join/<str:token>/": "the token is signed",
    "reset/": "whoever forgot the password; throttled",
    "reset/<str:token>/": "the token is signed",
    "verify/<str:token>/": "the token is signed",
    "i18n/setlang/": "choosing a language",
}


OURS = routes()
PARTS = {
    "<id:pk>": "1",
    "<anyuuid:session_id>": "00000000-0000-4000-8000-000000000000",
    "<str:file_name>": "name.png",
    "<str:name>": "00000000-0000-4000-8000-000000000000",
    "<anyuuid:user_id>": "00000000-0000-4000-8000-000000000000",
}
CLOSED = [route for route in OURS if route not in PUBLIC]


def test_every_public_route_exists() -> None:
    assert set(PUBLIC) <= set(OURS)


@pytest.mark.django_db
@pytest.mark.parametrize("route", CLOSED)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_closed_route_refuses_whoever_has_no_token(route: str, method: str) -> None:
    path = "/" + route
    for part, example in PARTS.items():
        path = path.replace(part, example)
    assert "<" not in path, "a new kind of path part: say here how to fill it"
    response = getattr(Client(), method)(path)
    assert response.status_code in {401, 403}, path


@pytest.mark.django_db
def test_the_admin_is_closed() -> None:
    response = Client().get("/admin/images/picture/")
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")
