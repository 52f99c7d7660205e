from pathlib import Path

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from accounts import request_authentication
from accounts.exceptions import BadToken
from accounts.models import User
from accounts.request_authentication import authenticate_request, read_client_ip, read_origin
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session, open_cookie_session
from accounts.throttling import throttling_key
from tests.clients import Client


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.5", "192.0.2.1"),
        (1, "198.51.100.7, 203.0.113.5", "203.0.113.5"),
        (2, "198.51.100.7, 203.0.113.5", "198.51.100.7"),
        (1, "nonsense", None),
    ],
)
def test_a_forwarded_address_is_believed_only_as_far_as_trusted_proxies_wrote_it(
    settings: Settings, proxies: int, forwarded: str, address: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded}
    )
    assert read_origin(request).client_ip == address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("10.0.0.0", "10.0.0.0"),
        ("255.249.199.99", "255.249.199.99"),
        ("256.0.113.5", None),
        ("203.0.113.05", None),
        ("203.0.113", None),
        ("203.0.113.5.7", None),
        ("203.0.113.\u0665", None),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("", None),
    ],
)
def test_an_address_is_written_in_its_one_form(text: str, address: str | None) -> None:
    assert read_client_ip({"REMOTE_ADDR": text}) == address


@pytest.mark.parametrize(
    ("one", "another", "are_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:aaaa::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ],
)
def test_addresses_of_one_site_are_throttled_as_one(one: str, another: str, are_same: bool) -> None:
    requests = [RequestFactory().post("/", REMOTE_ADDR=address) for address in (one, another)]
    first, second = (throttling_key(read_origin(request)) for request in requests)
    assert (first == second) is are_same


OF_ANOTHER_SCHEME = [
    "Basic dXNlcjpwYXNz",
    "basic dXNlcjpwYXNz",
    "Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gMDAu",
    "NTLM TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAA=",
    'Digest username="Mufasa", realm="a, b", nonce="1.2.3", uri="/x.y.z", opaque="a.b.c"',
    "AWS4-HMAC-SHA256 Credential=AKIA/20130524/us-east-1/s3/aws4_request, Signature=fe5f80",
    "Negotiate",
    "Basic",
]


def sent(header: str | None = None, cookie: str = "") -> HttpRequest:
    headers = {"Authorization": header} if header is not None else {}
    return RequestFactory().get("/", headers={**headers, "Cookie": cookie})


def cookies_of(user: User, prefix: str = "") -> str:
    pair = open_cookie_session(user, RequestOrigin())
    return f"{prefix}access_token={pair.access}; {prefix}refresh_token={pair.refresh}"


@pytest.mark.django_db
@pytest.mark.parametrize("header", OF_ANOTHER_SCHEME)
def test_a_credential_of_another_scheme_is_passed_over(alice: User, header: str) -> None:
    assert authenticate_request(sent(header)) is None
    found = authenticate_request(sent(header, cookies_of(alice)))
    assert found is not None
    assert found.session.user == alice
    # Several headers arrive as one.
    token = open_bearer_session(alice, RequestOrigin())
    for joined in (f"{header}, Bearer {token}", f"Bearer {token},{header}", f"{header},{token}"):
        found = authenticate_request(sent(joined))
        assert found is not None
        assert found.authorization in (f"Bearer {token}", token)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header", ["nonsense", "Bearer", "Token", "Bearer x", "Token x", "a.b.c", "Bearer x, Basic y"]
)
def test_what_would_be_ours_decides_alone(alice: User, header: str) -> None:
    with pytest.raises(BadToken):
        authenticate_request(sent(header, cookies_of(alice)))


@pytest.mark.django_db
@pytest.mark.parametrize("position", ["before", "after"])
def test_a_foreign_cookie_beside_ours_signs_nobody_out(alice: User, position: str) -> None:
    foreign = "access_token=of.another.service; refresh_token=e30.e30.x"
    parts = [foreign, cookies_of(alice)]
    ordered = parts if position == "before" else parts[::-1]
    found = authenticate_request(sent(cookie="; ".join(ordered)))
    assert found is not None
    assert (found.session.user, found.renewed_cookies) == (alice, None)


@pytest.mark.django_db
def test_a_foreign_refresh_cookie_beside_ours_hinders_no_renewal(alice: User) -> None:
    ours = cookies_of(alice).partition("; ")[2]
    found = authenticate_request(sent(cookie=f"{ours}; refresh_token=e30.e30.x; access_token="))
    assert found is not None
    assert found.renewed_cookies is not None


@pytest.mark.django_db
def test_over_https_the_host_cookies_alone_count(alice: User, settings: Settings) -> None:
    settings.TOKEN_COOKIES_SECURE = True
    assert authenticate_request(sent(cookie=cookies_of(alice))) is None
    found = authenticate_request(sent(cookie=cookies_of(alice, "__Host-")))
    assert found is not None
    assert found.session.user == alice


@pytest.mark.django_db
def test_a_page_of_another_site_signs_nobody_out_behind_a_proxys_authentication(
    alice: User,
) -> None:
    """Browsers send a proxy's Basic credential along with every request, whoever makes it."""
    headers = {"Authorization": "Basic dXNlcjpwYXNz", "Cookie": cookies_of(alice)}
    cross = Client().get("/auth/signout", headers={**headers, "Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 403
    assert Client().get("/auth/currentUser", headers=headers).status_code == 200
    assert Client().get("/auth/signout", headers=headers).status_code == 200
    assert Client().get("/auth/currentUser", headers=headers).status_code == 401


def test_no_service_of_accounts_takes_an_http_request() -> None:
    package = Path(request_authentication.__file__).parent
    takers = {path.stem for path in package.glob("*.py") if "HttpRequest" in path.read_text()}
    assert takers == {
        "request_authentication", "current_request", "receivers", "backends", "admin", "pages",
        # Of the admin.
        "finding", "second_factor_page", "security_log_page",
    }  # fmt: skip
