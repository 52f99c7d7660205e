"""Signed URLs: stable within a window, invalid when changed or expired."""

import time
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from images.signed_urls import (
    image_sources,
    is_valid_for_picture,
    seconds_left,
    signed_path,
    signed_picture_url,
    signed_url,
)
from images.storage.disk import DiskStorage
from lib.signing import make_signature


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


def test_a_files_url_bears_its_host_and_the_name_under_which_it_leaves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, 5000)
    url = signed_url("users/a/b.jpg", "https://pics.example", name="Ünïcode & more.jpg")
    assert url.startswith("https://pics.example/images/users/a/b.jpg?expires=")
    expires, signature = expires_and_signature(url)
    name = parse_qs(urlsplit(url).query)["name"][0]
    assert name == "Ünïcode & more.jpg"
    assert seconds_left("users/a/b.jpg", expires, signature, name) > 0
    # It is good under this name alone, and one without a name under none.
    for other in ("", "another.jpg"):
        assert seconds_left("users/a/b.jpg", expires, signature, other) == 0
    expires, signature = expires_and_signature(signed_url("users/a/b.jpg"))
    assert seconds_left("users/a/b.jpg", expires, signature) > 0
    assert seconds_left("users/a/b.jpg", expires, signature, name) == 0
    assert "name=" not in signed_url("users/a/b.jpg")


def test_a_storage_that_signs_by_itself_is_asked_for_the_same_windows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, object]]] = []

    def presigned_url(self: DiskStorage, key: str, **options: object) -> str:
        asked.append((key, options))
        return "https://bucket.example/k"

    monkeypatch.setattr(DiskStorage, "presigned_url", presigned_url)
    monkeypatch.setattr(DiskStorage, "origin", "https://bucket.example")
    settings.MEDIA_URL_WINDOW = 1000
    set_clock(monkeypatch, 5999)
    assert signed_url("k", "https://pics.example", name="n") == "https://bucket.example/k"
    assert asked == [("k", {"begins": 5000, "seconds": 2000, "name": "n"})]


def test_the_url_of_a_picture_is_good_for_a_picture_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_URL_WINDOW = 1000
    set_clock(monkeypatch, 5000)
    url = signed_picture_url("k", "https://pics.example")
    assert url.startswith("https://pics.example/images/k?")
    expires, signature = expires_and_signature(url)
    assert is_valid_for_picture("k", expires, signature) is True
    assert seconds_left("k", expires, signature) == 0
    of_file = expires_and_signature(signed_path("k"))
    assert is_valid_for_picture("k", *of_file) is False
    assert is_valid_for_picture("other", expires, signature) is False
    set_clock(monkeypatch, int(expires) - 1)
    assert is_valid_for_picture("k", expires, signature) is True
    set_clock(monkeypatch, int(expires))
    assert is_valid_for_picture("k", expires, signature) is False


def test_a_url_of_an_older_release_stays_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """It signed the key and the expiry, which is what is signed where there is no name."""
    set_clock(monkeypatch, 5000)
    assert seconds_left("k", "5060", make_signature("media", "k:5060")) == 60


@pytest.mark.parametrize("expires", ["9" * 13, "\u0663" * 11, "-1", "", "1e9"])
def test_an_expiry_in_another_form_is_invalid_though_it_were_signed(expires: str) -> None:
    assert seconds_left("k", expires, make_signature("media", f"k:{expires}")) == 0


@pytest.mark.parametrize("key", ["users/a/Ana B.png", "users/a/ñ?&#.png"])
def test_a_key_that_is_none_of_todays_is_quoted(key: str) -> None:
    for url in (signed_path(key), signed_picture_url(key, "")):
        parts = urlsplit(url)
        assert unquote(parts.path) == f"/images/{key}"
        assert set(parse_qs(parts.query)) == {"expires", "signature"}
        assert url.isascii()
        assert " " not in url


def test_pages_take_pictures_from_this_service_and_from_the_storage() -> None:
    assert image_sources() == "'self' blob: data:"
