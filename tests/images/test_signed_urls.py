"""Signed addresses: stable within a window, worthless when changed or late."""

import time
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from images.signed_urls import seconds_left, signed_path


def parts(address):
    query = parse_qs(urlsplit(address).query)
    return query["expires"][0], query["signature"][0]


def at(monkeypatch, moment):
    monkeypatch.setattr(time, "time", lambda: moment)


def test_an_address_stays_the_same_within_a_window(monkeypatch, settings):
    settings.MEDIA_URL_WINDOW = 1000
    at(monkeypatch, 5000)
    first = signed_path("users/a/b.jpg")
    at(monkeypatch, 5999)
    assert signed_path("users/a/b.jpg") == first
    at(monkeypatch, 6000)
    assert signed_path("users/a/b.jpg") != first


def test_an_address_works_for_one_to_two_windows(monkeypatch, settings):
    settings.MEDIA_URL_WINDOW = 1000
    at(monkeypatch, 5999)
    expires, mark = parts(signed_path("k"))
    assert seconds_left("k", expires, mark) == 1001
    at(monkeypatch, 7000)
    assert seconds_left("k", expires, mark) == 0


def test_an_address_is_worth_nothing_for_another_file():
    expires, mark = parts(signed_path("users/a/b.jpg"))
    assert seconds_left("users/a/c.jpg", expires, mark) == 0


def test_a_later_end_is_worth_nothing():
    expires, mark = parts(signed_path("k"))
    assert seconds_left("k", str(int(expires) + 1), mark) == 0


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=30))
def test_nothing_invented_passes(key, expires, mark):
    assert seconds_left(key, expires, mark) == 0
