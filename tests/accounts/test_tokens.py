import json
import uuid
from base64 import urlsafe_b64decode
from datetime import timedelta
from types import SimpleNamespace

import jwt
import pytest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject
from pytest_django import Settings

from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.tokens import (
    ExpiredToken,
    IssuedJwt,
    TokenKind,
    UnknownKey,
    _backend,
    issue_jwt,
    name_key,
    sign_jwt,
    start_jwt,
    verify_jwt,
)

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


def test_a_token_that_was_verified_before_expires_all_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, later = issue_jwt(session(), "bearer", HOUR), timezone.now() + HOUR
    verify_jwt(token, "bearer")
    with pytest.raises(BadToken, match="another kind"):
        verify_jwt(token, "refresh")
    with monkeypatch.context() as patched:
        patched.setattr("accounts.tokens.timezone", SimpleNamespace(now=lambda: later))
        with pytest.raises(ExpiredToken):
            verify_jwt(token, "bearer")
    settings.SECRET_KEY = "another"
    with pytest.raises(BadToken, match="not signed here"):
        verify_jwt(token, "bearer")


def test_a_token_ends_at_the_moment_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    token = issue_jwt(session(), "bearer", HOUR)
    end = verify_jwt(token, "bearer").expires_at
    clock = [end - timedelta(microseconds=1)]
    monkeypatch.setattr("accounts.tokens.timezone", SimpleNamespace(now=lambda: clock[0]))
    assert verify_jwt(token, "bearer").expires_at == end
    clock[0] = end
    with pytest.raises(ExpiredToken):
        verify_jwt(token, "bearer")


def test_each_token_has_an_id_of_its_own_unless_it_is_given_one() -> None:
    of = session()
    ids = {verify_jwt(issue_jwt(of, "bearer", HOUR), "bearer").jti for _ in range(3)}
    assert (len(ids), "" in ids) == (3, False)
    assert verify_jwt(issue_jwt(of, "refresh", HOUR, jti="given"), "refresh").jti == "given"


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
    # In a process that has not seen the former key in force.
    _backend.cache_clear()
    assert verify_jwt(token, "bearer").kind == "bearer"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadToken):
        verify_jwt(token, "bearer")


@given(
    st.uuids(), st.uuids(), st.sampled_from(["bearer", "access"]), st.timedeltas(-HOUR, 999 * HOUR)
)
def test_a_token_is_signed_again_byte_for_byte_from_what_json_keeps_of_it(
    session_id: uuid.UUID, user_id: uuid.UUID, kind: TokenKind, lifetime: timedelta
) -> None:
    started = start_jwt(lifetime)
    token = sign_jwt(Session(pk=session_id, user_id=user_id), kind, started)
    stored = json.loads(json.dumps(started, sort_keys=True))
    assert sign_jwt(Session(pk=str(session_id), user_id=str(user_id)), kind, stored) == token


def test_a_token_has_the_same_bytes_in_every_release(settings: Settings) -> None:
    """Peers know a token by its bytes: sessions of a release before are announced by this one."""
    settings.SECRET_KEY = "a key of a test, as long as it must be"
    of = Session(
        pk="5f0c3e1e-8a3b-4d53-9a34-6f0f7b8e2a11", user_id="0d9a6a1c-2c5e-4c39-8a9f-3f5d2b7c6e10"
    )
    kept = IssuedJwt(iat=1_800_000_000, exp=1_800_003_600, jti="0" * 32, key="23f0cb16b105fcb1")
    assert name_key(settings.SECRET_KEY) == kept["key"]
    header, payload, signature = sign_jwt(of, "bearer", kept).split(".")
    assert urlsafe_b64decode(header + "=") == b'{"alg":"HS256","typ":"JWT"}'
    assert urlsafe_b64decode(payload + "==") == (
        b'{"token_id":"5f0c3e1e-8a3b-4d53-9a34-6f0f7b8e2a11",'
        b'"user_id":"0d9a6a1c-2c5e-4c39-8a9f-3f5d2b7c6e10","typ":"bearer",'
        b'"iat":1800000000,"exp":1800003600,"jti":"00000000000000000000000000000000"}'
    )
    assert signature == "QFbXHmcPV2rIZ4C4uts5In6MGH3P57tsYSwK0rBcgYg"


def test_a_token_whose_key_is_gone_is_not_signed_again(settings: Settings) -> None:
    started = start_jwt(HOUR)
    settings.SECRET_KEY = "the next key, which is long enough"
    with pytest.raises(UnknownKey):
        sign_jwt(session(), "bearer", started)


def test_the_name_of_a_key_is_no_part_of_it_nor_of_what_signs() -> None:
    secret = "a key of a test, as long as it must be"
    signing = salted_hmac("accounts.tokens", "jwt", secret=secret, algorithm="sha256").hexdigest()
    assert name_key(secret) not in signing + secret


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
