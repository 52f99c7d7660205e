import uuid
from datetime import timedelta

import jwt
import pytest
from django.utils.crypto import salted_hmac
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject
from pytest_django import Settings

from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.tokens import ExpiredToken, issue_jwt, verify_jwt

HOUR = timedelta(hours=1)


def session() -> Session:
    return Session(pk=uuid.uuid4(), user_id=uuid.uuid4(), scheme=Session.Scheme.BEARER)


def test_a_token_names_its_session_and_account() -> None:
    signed_in = session()
    claims = verify_jwt(issue_jwt(signed_in, "bearer", HOUR), "bearer")
    assert (claims.token_id, claims.user_id) == (signed_in.pk, signed_in.user_id)


def test_a_token_carries_the_claims_that_the_contracts_name() -> None:
    payload = jwt.decode(issue_jwt(session(), "bearer", HOUR), options={"verify_signature": False})
    assert {"token_id", "user_id", "iat", "exp", "jti"} <= payload.keys()
    assert payload["exp"] - payload["iat"] == 3600


def test_a_token_of_another_kind_is_refused() -> None:
    with pytest.raises(BadToken, match="another kind"):
        verify_jwt(issue_jwt(session(), "refresh", HOUR), "bearer", "access")


def test_an_expired_token_is_distinguished_from_an_invalid_one() -> None:
    with pytest.raises(ExpiredToken):
        verify_jwt(issue_jwt(session(), "bearer", timedelta(seconds=-1)), "bearer")


def test_an_unsigned_token_is_refused() -> None:
    payload = jwt.decode(issue_jwt(session(), "bearer", HOUR), options={"verify_signature": False})
    with pytest.raises(BadToken):
        verify_jwt(jwt.encode(payload, "", algorithm="none"), "bearer")


def test_another_hmac_algorithm_is_refused(settings: Settings) -> None:
    payload = jwt.decode(issue_jwt(session(), "bearer", HOUR), options={"verify_signature": False})
    key = salted_hmac("accounts.tokens", "jwt", secret=settings.SECRET_KEY, algorithm="sha256")
    with pytest.raises(BadToken):
        verify_jwt(jwt.encode(payload, key.hexdigest(), algorithm="HS512"), "bearer")


def test_a_token_stays_valid_while_its_key_is_a_fallback(settings: Settings) -> None:
    token = issue_jwt(session(), "bearer", HOUR)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, which is long enough"
    assert verify_jwt(token, "bearer").kind == "bearer"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadToken):
        verify_jwt(token, "bearer")


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        verify_jwt(text, "bearer")


@given(st.data())
def test_a_token_with_one_changed_character_is_refused(data: DataObject) -> None:
    token = issue_jwt(session(), "bearer", HOUR)
    # The last character of a base64url segment has spare bits, which decoding ignores.
    positions = [i for i in range(len(token) - 1) if token[i] != "." and token[i + 1] != "."]
    position = data.draw(st.sampled_from(positions))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda c: c != token[position]))
    with pytest.raises(BadToken):
        verify_jwt(token[:position] + other + token[position + 1 :], "bearer")


@pytest.mark.parametrize("missing", ["token_id", "user_id", "typ", "jti", "exp"])
def test_a_token_without_one_of_its_claims_is_refused(settings: Settings, missing: str) -> None:
    payload = jwt.decode(issue_jwt(session(), "bearer", HOUR), options={"verify_signature": False})
    del payload[missing]
    key = salted_hmac("accounts.tokens", "jwt", secret=settings.SECRET_KEY, algorithm="sha256")
    with pytest.raises(BadToken):
        verify_jwt(jwt.encode(payload, key.hexdigest(), algorithm="HS256"), "bearer")
