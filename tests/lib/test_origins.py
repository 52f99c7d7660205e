"""Origins as browsers compare them."""

import pytest

from lib.origins import parse_origin


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("https://pictures.example", "https://pictures.example:443"),
        ("http://pictures.example:80", "http://PICTURES.example"),
        ("http://[::1]", "http://[::1]:80"),
    ],
)
def test_a_default_port_and_the_case_of_a_host_make_no_other_origin(one: str, another: str) -> None:
    assert parse_origin(one) == parse_origin(another) is not None


@pytest.mark.parametrize(
    "another",
    ["http://pictures.example", "https://pictures.example:8443", "https://example", "wss://pictures.example"],
)  # fmt: skip
def test_another_scheme_host_or_port_is_another_origin(another: str) -> None:
    assert parse_origin(another) != parse_origin("https://pictures.example")


@pytest.mark.parametrize(
    "text",
    ["", "null", "pictures.example", "https://", "https://x:99999", "https://[", "https://a@x", "https://x/p"],
)  # fmt: skip
def test_what_is_no_origin_is_none(text: str) -> None:
    assert parse_origin(text) is None
