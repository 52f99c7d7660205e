"""A new SECRET_KEY breaks nothing that the old one signed, while the old one is a fallback."""

import re
import secrets

import pytest
import requests

from tests.pictures import jpeg
from tests.processes import PASSWORD, dev_run

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(240)]

OLD, NEW = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
SIGN_IN = {"username": "admin", "password": PASSWORD}


def get(url, **options):
    return requests.get(url, timeout=10, allow_redirects=False, **options)


def post(url, **options):
    return requests.post(url, timeout=30, **options)


def admin_session(url):
    browser = requests.Session()
    page = browser.get(f"{url}/admin/login/", timeout=10).text
    [mark] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)
    form = {**SIGN_IN, "csrfmiddlewaretoken": mark, "next": "/admin/"}
    answer = browser.post(f"{url}/admin/login/", data=form, timeout=10)
    assert answer.status_code == 200, answer.text
    return {"sessionid": browser.cookies["sessionid"]}


def signed_things(url):
    """Everything that the key signs, as a question that is answered 200 while it stands."""
    key = {"Authorization": f"Token {post(f'{url}/api/user/token/', data=SIGN_IN).json()['token']}"}
    made = post(f"{url}/api/user/images/", headers=key, files={"image": jpeg(60, 40)}).json()
    link = get(f"{url}/api/user/link/{made['id']}/?time=300", headers=key).json()["url"]
    sign_in = {"login": "admin", "password": PASSWORD}
    bearer = post(f"{url}/auth/signin", json=sign_in).json()
    cookies = post(f"{url}/api/user/jwt-login/", json=SIGN_IN).cookies.get_dict()
    listed = f"{url}/api/user/images/"
    return {
        "link": (link, {}),
        "media address": (made["image"], {}),
        "bearer": (listed, {"headers": {"Authorization": f"Bearer {token_in(bearer)}"}}),
        "access cookie": (listed, {"cookies": {"access_token": cookies["access_token"]}}),
        "refresh cookie": (listed, {"cookies": {"refresh_token": cookies["refresh_token"]}}),
        "admin session": (f"{url}/admin/", {"cookies": admin_session(url)}),
        "API token": (listed, {"headers": key}),
    }


def token_in(answer):
    token: str = next(value for value in answer.values() if str(value).count(".") == 2)
    return token


def standing(things):
    """Ask once: Django renews a session of the former key, and the old cookie with it."""
    return {name for name, (url, options) in things.items()
            if get(url, **options).status_code == 200}  # fmt: skip


def test_signatures_of_the_old_key_are_valid_while_it_is_a_fallback(tmp_path):
    data_dir = tmp_path / "data"
    with dev_run(data_dir, SECRET_KEY=OLD) as first:
        port = first.url.rsplit(":", 1)[1]
        things, others = signed_things(first.url), signed_things(first.url)
        assert standing(others) == set(others)
        first.stop()
    with dev_run(data_dir, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD, PORT=port) as rotated:
        assert standing(things) == set(things)
        rotated.stop()
    with dev_run(data_dir, SECRET_KEY=NEW, PORT=port) as without:
        # Of an API token only a hash is kept: no key signs it.
        assert standing(others) == {"API token"}
        without.stop()
