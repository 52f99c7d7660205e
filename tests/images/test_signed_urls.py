"""Signed URLs: stable within a window, invalid when changed or expired."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from images.signed_urls import seconds_left, signed_path


def expires_and_signature(url: str) -> tuple[str, str]:
    query = parse_qs(urlsplit(url).query)
    return query["expires"][0], query["signature"][0]


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    monkeypatch.setattr(time, "time", lambda: moment)


def test_a_url_stays_the_same_within_a_window(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.MEDIA_URL_WINDOW = 1000
    set_clock(monkeypatch, 5000)
    first = signed_path("users/a/b.jpg")
    set_clock(monkeypatch, 5999)
    assert signed_path("users/a/b.jpg") == first
    set_clock(monkeypatch, 6000)
    assert signed_path("users/a/b.jpg") != first


def test_a_url_is_valid_for_one_to_two_windows(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.MEDIA_URL_WINDOW = 1000
    set_clock(monkeypatch, 5999)
    expires, signature = expires_and_signature(signed_path("k"))
    assert seconds_left("k", expires, signature) == 1001
    set_clock(monkeypatch, 7000)
    assert seconds_left("k", expires, signature) == 0


def test_a_signature_is_invalid_for_another_file() -> None:
    expires, signature = expires_and_signature(signed_path("users/a/b.jpg"))
    assert seconds_left("users/a/c.jpg", expires, signature) == 0


def test_a_changed_expiry_is_invalid() -> None:
    expires, signature = expires_and_signature(signed_path("k"))
    assert seconds_left("k", str(int(expires) + 1), signature) == 0


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=30))
def test_an_invented_url_is_invalid(key: str, expires: str, signature: str) -> None:
    assert seconds_left(key, expires, signature) == 0
