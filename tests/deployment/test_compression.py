"""What nginx compresses: JSON that is long, of no picture, without a token."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from devkit.children import Reaper
from images.models import Picture
from tests.deployment.stack import start_nginx_alone
from tests.factories import PASSWORD, make_picture
from tests.granian import run_granian
from tests.pictures import png

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
    pytest.mark.processes,
    pytest.mark.slow,
]
PICTURES = 30


def test_nginx_compresses_lists_and_nothing_that_bears_a_token(
    alice: User, reaper: Reaper, tmp_path: Path, nginx_program: str
) -> None:
    picture = make_picture(alice, png(300, 200), visibility="public")
    Picture.objects.bulk_create(
        Picture(owner=alice, key=f"{picture.key}{number}", format="PNG", width=1, height=1, bytes=1)
        for number in range(PICTURES)
    )
    with run_granian(tmp_path, RATE_LIMITS="off") as server:
        nginx = start_nginx_alone(reaper, tmp_path, urlsplit(server.url).port or 0)
        token = open_bearer_session(alice, RequestOrigin())
        lists_are_compressed(nginx, token, alice)
        nothing_else_is(nginx, token, picture)


def ask(url: str, token: str = "", **headers: str) -> requests.Response:
    headers = {"Accept-Encoding": "gzip", "X-Forwarded-Proto": "https"} | headers
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return requests.get(url, headers=headers, timeout=30)


def lists_are_compressed(nginx: str, token: str, owner: User) -> None:
    for path in (
        "/api/user/images/",
        "/api/user/images/?fields=all",
        "/api/me",
        f"/pictures/get-user-pictures/{owner.pk}",
    ):
        sent = ask(nginx + path, token)
        assert (sent.status_code, sent.headers["Content-Encoding"]) == (200, "gzip"), path
        assert "Accept-Encoding" in sent.headers["Vary"]
        assert len(sent.json()) >= 1
        assert int(sent.raw.tell()) < len(sent.content) / 3
        plain = ask(nginx + path, token, **{"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
    sent = ask(f"{nginx}/api/user/images/", token)
    assert sent.headers["ETag"].startswith('W/"')
    known = ask(f"{nginx}/api/user/images/", token, **{"If-None-Match": sent.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


def nothing_else_is(nginx: str, token: str, picture: Picture) -> None:
    person = {"name": "Bob", "login": "newcomer", "password": PASSWORD}
    signed_in = requests.post(f"{nginx}/auth/signup", json=person, timeout=30)
    assert "token" in signed_in.json()
    responses = [
        signed_in,
        ask(f"{nginx}/"),
        ask(f"{nginx}/admin/login/"),
        ask(f"{nginx}/api/images/{picture.uid}"),
        ask(f"{nginx}/image/{picture.uid}", token),
        ask(f"{nginx}/api/user/images/?fields={'x' * 90}", token),
    ]
    for response in responses:
        assert "Content-Encoding" not in response.headers, response.url
    assert [each.status_code for each in responses] == [200, 200, 200, 200, 200, 400]
