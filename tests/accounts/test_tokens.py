"""Tokens: what stands, what does not."""

import uuid
from datetime import timedelta

import jwt
import pytest
from django.utils.crypto import salted_hmac
from hypothesis import given
from hypothesis import strategies as st

from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.tokens import ExpiredToken, issue, read

HOUR = timedelta(hours=1)


def session() -> Session:
    return Session(pk=uuid.uuid4(), user_id=uuid.uuid4(), scheme=Session.Scheme.BEARER)


def test_a_token_says_which_session_and_account_it_is_of():
    made = session()
    claims = read(issue(made, "bearer", HOUR), "bearer")
    assert (claims.token_id, claims.user_id) == (made.pk, made.user_id)


def test_a_token_carries_what_the_contracts_name():
    payload = jwt.decode(issue(session(), "bearer", HOUR), options={"verify_signature": False})
    assert {"token_id", "user_id", "iat", "exp", "jti"} <= payload.keys()
    assert payload["exp"] - payload["iat"] == 3600


def test_a_token_of_another_kind_is_refused():
    with pytest.raises(BadToken, match="another kind"):
        read(issue(session(), "refresh", HOUR), "bearer", "access")


def test_an_expired_token_is_told_apart():
    with pytest.raises(ExpiredToken):
        read(issue(session(), "bearer", timedelta(seconds=-1)), "bearer")


def test_an_unsigned_token_is_refused():
    payload = jwt.decode(issue(session(), "bearer", HOUR), options={"verify_signature": False})
    with pytest.raises(BadToken):
        read(jwt.encode(payload, "", algorithm="none"), "bearer")


def test_another_hmac_algorithm_is_refused(settings):
    payload = jwt.decode(issue(session(), "bearer", HOUR), options={"verify_signature": False})
    key = salted_hmac("accounts.tokens", "jwt", secret=settings.SECRET_KEY, algorithm="sha256")
    with pytest.raises(BadToken):
        read(jwt.encode(payload, key.hexdigest(), algorithm="HS512"), "bearer")


def test_a_token_survives_the_rotation_of_the_key(settings):
    token = issue(session(), "bearer", HOUR)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, which is long enough"
    assert read(token, "bearer").kind == "bearer"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadToken):
        read(token, "bearer")


@given(st.text(max_size=200))
def test_no_text_makes_reading_fail_otherwise(text):
    with pytest.raises(BadToken):
        read(text, "bearer")


@given(st.data())
def test_no_changed_character_passes(data):
    token = issue(session(), "bearer", HOUR)
    # The last character of a base64url segment has spare bits, which decoding ignores.
    places = [i for i in range(len(token) - 1) if token[i] != "." and token[i + 1] != "."]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda c: c != token[place]))
    with pytest.raises(BadToken):
        read(token[:place] + other + token[place + 1 :], "bearer")


@pytest.mark.parametrize("left_out", ["token_id", "user_id", "typ", "jti", "exp"])
def test_a_token_that_lacks_a_claim_is_refused(settings, left_out):
    payload = jwt.decode(issue(session(), "bearer", HOUR), options={"verify_signature": False})
    del payload[left_out]
    key = salted_hmac("accounts.tokens", "jwt", secret=settings.SECRET_KEY, algorithm="sha256")
    with pytest.raises(BadToken):
        read(jwt.encode(payload, key.hexdigest(), algorithm="HS256"), "bearer")
