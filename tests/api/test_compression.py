"""No body that carries a token is compressed: its length would tell the token (BREACH).

What nginx compresses is told by `tests/deployment/test_compression.py`.
"""

import re

import pytest
from django.conf import settings as django_settings
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from images.services import activate
from tests.api.access_requests import UPLOAD, clients_of, known_ids, send
from tests.api.access_table import ROWS
from tests.clients import Client
from tests.factories import make_picture
from tests.processes import ROOT
from tests.transactions import undone

pytestmark = pytest.mark.django_db
# What signs in or opens: a JWT, an API token, a link, a signed address.
_SECRET = re.compile(
    rb"eyJ[\w-]+\.[\w-]+\.[\w-]+|\"token\":|/l/\w+\.[\w-]{22}|signature=|csrfmiddlewaretoken"
)
_CONFIGURATIONS = list((ROOT / "deploy").glob("*.conf"))
_DIRECTIVE = re.compile(r"^\s*((?:gzip|brotli|zstd)\w*)\s+([^;]+);", re.MULTILINE)


@pytest.mark.unhurried
def test_the_service_compresses_no_response(
    settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.RATE_LIMITS = False
    clients, owner = clients_of("Enterprise")
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, UPLOAD) for _ in range(2))
        activate(active)
    known, secret = known_ids(owner, picture, active), set()
    clients["owner"].defaults["HTTP_ACCEPT_ENCODING"] = "gzip, br, zstd, deflate"
    for row in ROWS:
        with undone():
            response = send(clients["owner"], row, known)
        assert "Content-Encoding" not in response.headers, row.path
        if _SECRET.search(response.getvalue()) or response.cookies:
            secret.add(row.path.partition("?")[0])
    assert {
        "/api/user/token/", "/api/user/jwt-login/", "/api/user/link/{picture}/", "/api/login",
        "/auth/signup", "/auth/signin", "/api/user/images/", "/api/user/thumbnails/",
    } <= secret  # fmt: skip
    login = Client().get("/admin/login/", headers={"Accept-Encoding": "gzip, br"})
    assert _SECRET.search(login.content)
    assert "Content-Encoding" not in login.headers


def test_no_middleware_compresses() -> None:
    assert not [each for each in django_settings.MIDDLEWARE if "gzip" in each.lower()]


def test_the_proxy_compresses_json_alone_and_that_of_no_picture() -> None:
    named = {path.name: _DIRECTIVE.findall(path.read_text()) for path in _CONFIGURATIONS}
    assert {name for name, found in named.items() if found} == {"nginx.conf"}
    [off, on, *_] = named["nginx.conf"]
    assert (off, on) == (("gzip", "off"), ("gzip", "on"))
    assert dict(named["nginx.conf"])["gzip_types"] == "application/json application/problem+json"
    text = (ROOT / "deploy/nginx.conf").read_text()
    assert "location ~ ^/(api|auth|pictures)(/|$) {\n        gzip on;" in text
