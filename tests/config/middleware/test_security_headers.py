"""Every response has the security headers, whichever code made it."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path as route

from accounts.models import User
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [route("", broken), route("api/me", broken)]
handler500 = "config.errors.server_error"


def with_headers(response: Response) -> Response:
    assert {name: response.get(name) for name in ALWAYS} == ALWAYS
    assert "camera=()" in response["Permissions-Policy"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    return response


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200), ("/healthz", 200), ("/nowhere", 404), ("/l/nonsense", 404), ("/api/me", 401),
        ("/pictures/nowhere", 404), ("/images/default/default.png", 200), ("/admin/", 302),
        ("/admin/login/", 200), ("/api/docs/", 200), ("/api/schema/", 200),
    ],
)  # fmt: skip
def test_every_kind_of_response_has_the_headers(path: str, status: int) -> None:
    assert with_headers(Client().get(path)).status_code == status


def test_a_refused_form_has_the_headers(staff: User) -> None:
    client = Client(enforce_csrf_checks=True)
    response = with_headers(client.post("/admin/login/", {"username": "staff"}))
    assert (response.status_code, response["Content-Type"][:9]) == (403, "text/html")
    assert "script-src" not in response["Content-Security-Policy"].replace("default-src 'self'", "")


def test_what_staff_may_not_do_has_the_headers() -> None:
    client = Client()
    client.force_login(make_user("clerk", is_staff=True))
    assert with_headers(client.get("/admin/images/picture/")).status_code == 403


def test_a_throttled_sign_in_at_the_admin_has_the_headers() -> None:
    client = Client()
    form = {"username": "root", "password": "wrong"}
    responses = [with_headers(client.post("/admin/login/", form)) for _ in range(6)]
    assert responses[-1].status_code == 429


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/api/me", "application/json")])
def test_an_unforeseen_failure_has_the_headers(path: str, kind: str) -> None:
    response = with_headers(Client(raise_request_exception=False).get(path))
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (500, kind)


def test_a_refused_host_name_has_the_headers() -> None:
    assert with_headers(Client().get("/", headers={"Host": "evil.example"})).status_code == 400


@pytest.mark.parametrize("path", ["/api/docs/", "/admin/login/", "/nowhere", "/"])
def test_no_page_needs_a_script_of_its_own(path: str) -> None:
    """What the policy refuses must not be there: inline scripts, handlers, and styles but one."""
    response = Client().get(path)
    page = response.content.decode()
    assert "'unsafe-inline'" not in re.sub(
        "style-src [^;]*", "", response["Content-Security-Policy"]
    )
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*json)|\son\w+=\"", page) == []


def test_the_docs_script_is_served_beside_its_page() -> None:
    script = Client().get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"SwaggerUIBundle" in script.content


def test_the_admin_shows_pictures_and_runs_its_own_scripts(admin_client: Client) -> None:
    rules = with_headers(admin_client.get("/admin/"))["Content-Security-Policy"]
    assert "default-src 'self'" in rules
    assert "unsafe" not in rules


def test_signing_in_at_the_admin_still_works(staff: User) -> None:
    client = Client()
    form = {"username": "staff", "password": PASSWORD}
    assert client.post("/admin/login/?next=/admin/", form).status_code == 302
