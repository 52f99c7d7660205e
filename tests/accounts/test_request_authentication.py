from pathlib import Path

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from accounts import request_authentication
from accounts.request_authentication import read_origin
from accounts.throttling import throttling_key


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


def test_no_service_of_accounts_takes_an_http_request() -> None:
    package = Path(request_authentication.__file__).parent
    takers = {path.stem for path in package.glob("*.py") if "HttpRequest" in path.read_text()}
    assert takers == {"request_authentication", "backends", "admin"}
