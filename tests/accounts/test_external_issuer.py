import json
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts import external_issuer
from accounts.external_issuer import authenticate_external_token
from accounts.models import RevokedToken, Session, User
from notifications.logouts.messages import handle_messages
from notifications.models import OutboxMessage
from tests.accounts.issuer import ISSUER, KEYS, current_user, external_token, public_pem
from tests.clients import Client
from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("external_issuer")]


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_a_token_of_the_issuer_is_accepted_and_creates_its_account_once(
    settings: Settings, algorithm: str
) -> None:
    settings.JWT_PUBLIC_KEY = public_pem(KEYS[algorithm])
    first, second = current_user(external_token(algorithm)), current_user(external_token(algorithm))
    assert first == second
    assert (first["login"], first["name"], first["roles"]) == ("ada", "Ada L.", ["user"])
    assert User.objects.get().tier.name == "Premium"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"}, {"aud": "another"}, {"sub": None}, {"exp": None},
        {"sub": ""}, {"sub": "  "}, {"iat": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)}, {"key": KEYS["ES256"], "algorithm": "ES256"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    ],
)  # fmt: skip
def test_any_other_token_is_refused(change: dict[str, Any]) -> None:
    assert current_user(external_token(**change)) == 401
    assert not User.objects.exists()


def forge(algorithm: str, secret: str) -> str:
    """Sign a token by HMAC with a public key, which PyJWT itself refuses to do."""
    import base64
    import hashlib
    import hmac

    claims = jwt.decode(external_token(), options={"verify_signature": False})

    def encode(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = encode({"alg": algorithm, "typ": "JWT"}) + b"." + encode(claims)
    signature = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "none"])
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(algorithm: str) -> None:
    assert current_user(forge(algorithm, public_pem(KEYS["RS256"]))) == 401


def test_a_local_account_of_the_same_login_is_not_taken_over() -> None:
    local = make_user("ada")
    external = current_user(external_token())
    assert external["id"] != str(local.pk)
    assert external["login"].startswith("ada-")


@pytest.mark.parametrize("form", ["bearer {token}", "{token}", "{jti}"])
@pytest.mark.parametrize("seen", [True, False])
def test_a_peers_logout_ends_an_external_token_seen_or_not(form: str, seen: bool) -> None:
    text = external_token(jti="the-id")
    if seen:
        assert current_user(text) != 401
    named = form.format(token=text, jti="the-id")
    handle_messages([json.dumps({"type": "logout", "message": named}).encode()])
    assert current_user(text) == 401
    assert RevokedToken.objects.exists() is not seen
    assert current_user(external_token()) != 401


def test_a_token_without_id_has_one_session() -> None:
    text = external_token(jti=None)
    assert current_user(text) != 401
    assert current_user(text) != 401
    assert Session.objects.count() == 1
    handle_messages([json.dumps({"type": "logout", "message": f"Bearer {text}"}).encode()])
    assert current_user(text) == 401


@pytest.mark.parametrize("login", ["\ufdfa" * 4, "\ufb03" * 64, "\u00bd" * 64])
def test_a_login_that_is_too_long_once_normalized_is_cut(login: str) -> None:
    made = current_user(external_token(preferred_username=login, name="Ada\ud800\0 L."))
    assert len(made["login"]) <= 64
    User.objects.get(username=made["login"]).full_clean(exclude=["password"])
    assert made["name"] == "Ada L."


def test_without_an_issuer_no_external_token_is_accepted(settings: Settings) -> None:
    settings.JWT_ISSUER = ""
    assert current_user(external_token()) == 401


@pytest.mark.parametrize("seen", [True, False])
def test_an_ended_token_without_id_is_refused_in_another_spelling(seen: bool) -> None:
    text = external_token(jti=None)
    if seen:
        assert current_user(text) != 401
    handle_messages([json.dumps({"type": "logout", "message": f"bearer {text}"}).encode()])
    assert current_user(f"{text}==") == 401


@pytest.mark.parametrize(
    "change", [{"exp": 10**18}, {"sub": "\ud800"}, {"jti": "\ud800"}, {"exp": 1e300}]
)
def test_a_signed_token_whose_claims_cannot_be_stored_is_refused(change: dict[str, Any]) -> None:
    assert current_user(external_token(**change)) == 401


class RunInBetween:
    """Runs `work` to its end in another thread, right after the first query of a table.

    No transaction is open at that point.
    """

    def __init__(self, table: str, work: Callable[[], object]) -> None:
        self.table = table
        self.work: Callable[[], object] | None = work

    def __call__(
        self,
        execute: Callable[..., object],
        sql: str,
        params: object,
        many: bool,
        context: dict[str, Any],
    ) -> object:
        result = execute(sql, params, many, context)
        if self.work and sql.startswith("SELECT") and f'FROM "{self.table}"' in sql:
            work, self.work = self.work, None
            thread = threading.Thread(target=self._run, args=[work])
            thread.start()
            thread.join()
        return result

    def _run(self, work: Callable[[], object]) -> None:
        work()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_logout_received_while_a_token_is_first_seen_ends_its_session() -> None:
    text = external_token(jti="the-id")
    message = json.dumps({"type": "logout", "message": "the-id"}).encode()
    other = RunInBetween("accounts_revokedtoken", lambda: handle_messages([message]))
    with connection.execute_wrapper(other):
        assert current_user(text) == 401
    assert other.work is None
    assert current_user(text) == 401
    assert not Session.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_a_token_first_seen_while_its_logout_is_received_has_its_session_ended() -> None:
    text, seen = external_token(jti="the-id"), []
    other = RunInBetween("accounts_session", lambda: seen.append(current_user(text)))
    with connection.execute_wrapper(other):
        handle_messages([json.dumps({"type": "logout", "message": f"bearer {text}"}).encode()])
    assert seen[0]["login"] == "ada"
    assert current_user(text) == 401
    assert not Session.objects.live().exists()


def test_a_token_of_the_issuer_is_announced_when_it_signs_out_else_its_sessions_id(
    settings: Settings,
) -> None:
    settings.AMQP_URL = "amqp://nowhere"
    token = external_token()
    Client(headers={"Authorization": f"Bearer {token}"}).get("/auth/signout")
    session = authenticate_external_token(external_token())
    Session.objects.of(session.user).end()
    announced = [json.loads(row.body)["message"] for row in OutboxMessage.objects.order_by("pk")]
    assert announced == [f"Bearer {token}", f"bearer {token}", str(session.pk)]


def test_an_id_names_a_session_only_together_with_its_subject() -> None:
    """Somebody whom the issuer gives a token of the same id gets no other person's account."""
    first = current_user(external_token(jti="the-id", sub="person-1", preferred_username="one"))
    other = external_token(jti="the-id", sub="person-2", preferred_username="two")
    assert first["login"] == "one"
    assert current_user(other)["login"] == "two"
    handle_messages([json.dumps({"type": "logout", "message": f"bearer {other}"}).encode()])
    assert current_user(other) == 401
    assert [session.user.username for session in Session.objects.live()] == ["one"]
    # A bare id says no subject: it ends them all.
    handle_messages([json.dumps({"type": "logout", "message": "the-id"}).encode()])
    assert not Session.objects.live().exists()


def test_a_token_that_a_former_release_ended_stays_ended() -> None:
    text = external_token(jti="the-id")
    assert current_user(text) != 401
    session = Session.objects.get()
    session.delete()
    former = uuid.uuid5(external_issuer._NAMESPACE, f"{ISSUER} session the-id")
    ended = {"ended_at": timezone.now(), "expires_at": session.expires_at}
    Session.objects.create(pk=former, user=session.user, scheme="outside", **ended)
    assert current_user(text) == 401


@pytest.mark.parametrize("issued", [None, timedelta(days=-3)])
def test_no_session_outlives_a_bearer_token_of_ours(
    settings: Settings, issued: timedelta | None
) -> None:
    settings.BEARER_LIFETIME = timedelta(days=5)
    now = datetime.now(UTC)
    iat = None if issued is None else now + issued
    assert current_user(external_token(exp=now + timedelta(days=900), iat=iat)) != 401
    end = (iat or now) + timedelta(days=5)
    assert abs(Session.objects.get().expires_at - end) < timedelta(seconds=30)
