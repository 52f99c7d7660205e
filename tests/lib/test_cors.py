"""What each origin is allowed, as a pure decision."""

import pytest

from lib.cors import cors_headers, is_trusted_origin, preflight_headers

TRUSTED = ("https://trusted.example", "http://localhost:*")


@pytest.mark.parametrize(
    ("origin", "is_trusted"),
    [
        ("https://trusted.example", True),
        ("http://localhost", True),
        ("http://localhost:3000", True),
        ("", False),
        ("null", False),
        ("http://localhost:*", False),
        ("http://localhost:", False),
        ("http://localhost:3000.evil.example", False),
        ("http://localhost.evil.example:3000", False),
        ("https://localhost:3000", False),
        ("http://trusted.example", False),
        ("https://trusted.example:8443", False),
        ("https://trusted.example.evil.example", False),
        ("https://trusted.example, https://evil.example", False),
        ("http://127.0.0.1:3000", False),
    ],
)
def test_an_origin_is_trusted_as_a_whole_or_on_every_port(origin: str, is_trusted: bool) -> None:
    assert is_trusted_origin(origin, TRUSTED) is is_trusted


def allowed(
    origin: str,
    trusted: tuple[str, ...] = TRUSTED,
    *,
    any_origin: bool = True,
    cookies: bool = False,
) -> tuple[str | None, str | None, str | None]:
    headers = cors_headers(origin, trusted=trusted, any_origin=any_origin, has_cookies=cookies)
    origin_and_credentials = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
    return (*map(headers.get, origin_and_credentials), headers.get("Vary"))  # type: ignore[return-value]  # three


def test_a_trusted_origin_gets_its_own_name_with_credentials() -> None:
    own = ("https://trusted.example", "true", "Origin")
    assert allowed("https://trusted.example") == own
    assert allowed("https://trusted.example", cookies=True) == own
    assert allowed("https://trusted.example", any_origin=False) == own


@pytest.mark.parametrize("origin", ["https://other.example", "null", ""])
def test_every_other_origin_may_read_what_needs_no_credentials(origin: str) -> None:
    assert allowed(origin) == ("*", None, "Origin")
    assert allowed(origin, any_origin=False) == (None, None, "Origin")


@pytest.mark.parametrize("origin", ["https://other.example", "null"])
def test_what_was_asked_with_cookies_is_for_trusted_origins_alone(origin: str) -> None:
    assert allowed(origin, cookies=True) == (None, None, "Origin, Cookie")


def test_the_services_own_page_sends_cookies_and_no_origin() -> None:
    assert allowed("", cookies=True) == ("*", None, "Origin")


def test_where_nobody_is_trusted_every_answer_is_the_same() -> None:
    assert allowed("https://other.example", ()) == ("*", None, None)
    assert allowed("https://other.example", (), any_origin=False) == (None, None, None)


def test_a_preflight_names_the_methods_for_a_day() -> None:
    headers = preflight_headers(
        "https://other.example", ["GET", "HEAD"], trusted=TRUSTED, any_origin=True
    )
    assert headers == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": (
            "Authorization, Content-Type, Size, Idempotency-Key, Content-Digest, Range, "
            "If-None-Match, If-Match, If-Unmodified-Since, If-Range, X-Request-ID"
        ),
        "Access-Control-Max-Age": "86400",
        "Vary": "Origin, Access-Control-Request-Method",
    }


def test_a_preflight_of_an_origin_that_may_not_read_is_allowed_nothing() -> None:
    headers = preflight_headers("null", ["GET"], trusted=TRUSTED, any_origin=False)
    assert headers == {"Vary": "Origin, Access-Control-Request-Method"}
