"""A new SECRET_KEY breaks nothing that the old one signed, while the old one is a fallback."""

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.pictures import jpeg
from tests.processes import PASSWORD, dev_run

pytestmark = [pytest.mark.processes, pytest.mark.nightly, pytest.mark.timeout(240)]

OLD, NEW = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
SIGN_IN = {"username": "admin", "password": PASSWORD}


def get(url: str, **options: Any) -> requests.Response:
    return requests.get(url, timeout=10, allow_redirects=False, **options)


def post(url: str, **options: Any) -> requests.Response:
    return requests.post(url, timeout=30, **options)


def sign_in_to_admin(url: str) -> dict[str, str]:
    browser = requests.Session()
    page = browser.get(f"{url}/admin/login/", timeout=10).text
    [csrf_token] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)
    form = {**SIGN_IN, "csrfmiddlewaretoken": csrf_token, "next": "/admin/"}
    response = browser.post(f"{url}/admin/login/", data=form, timeout=10)
    assert response.status_code == 200, response.text
    return {"sessionid": browser.cookies["sessionid"]}


def make_signed_requests(url: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return, by name, a request with each kind of signature: 200 while the signature is valid."""
    key = {"Authorization": f"Token {post(f'{url}/api/user/token/', data=SIGN_IN).json()['token']}"}
    picture = post(f"{url}/api/user/images/", headers=key, files={"image": jpeg(60, 40)}).json()
    link = get(f"{url}/api/user/link/{picture['id']}/?time=300", headers=key).json()["url"]
    sign_in = {"login": "admin", "password": PASSWORD}
    bearer = post(f"{url}/auth/signin", json=sign_in).json()
    cookies = post(f"{url}/api/user/jwt-login/", json=SIGN_IN).cookies.get_dict()
    list_url = f"{url}/api/user/images/"
    return {
        "link": (link, {}),
        "media URL": (picture["image"], {}),
        "bearer": (list_url, {"headers": {"Authorization": f"Bearer {find_jwt(bearer)}"}}),
        "access cookie": (list_url, {"cookies": {"access_token": cookies["access_token"]}}),
        "refresh cookie": (list_url, {"cookies": {"refresh_token": cookies["refresh_token"]}}),
        "admin session": (f"{url}/admin/", {"cookies": sign_in_to_admin(url)}),
        "API token": (list_url, {"headers": key}),
    }


def find_jwt(body: dict[str, Any]) -> str:
    token: str = next(value for value in body.values() if str(value).count(".") == 2)
    return token


def accepted_names(signed_requests: dict[str, tuple[str, dict[str, Any]]]) -> set[str]:
    """Return the names of the accepted ones. Send each only once: Django re-signs sessions."""
    return {name for name, (url, options) in signed_requests.items()
            if get(url, **options).status_code == 200}  # fmt: skip


def test_signatures_of_the_old_key_are_valid_while_it_is_a_fallback(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with dev_run(data_dir, SECRET_KEY=OLD) as first:
        port = first.url.rsplit(":", 1)[1]
        first_set, second_set = make_signed_requests(first.url), make_signed_requests(first.url)
        assert accepted_names(second_set) == set(second_set)
        first.stop()
    with dev_run(data_dir, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD, PORT=port) as rotated:
        assert accepted_names(first_set) == set(first_set)
        rotated.stop()
    with dev_run(data_dir, SECRET_KEY=NEW, PORT=port) as without:
        # An API token is looked up by its hash: no key signs it.
        assert accepted_names(second_set) == {"API token"}
        without.stop()
