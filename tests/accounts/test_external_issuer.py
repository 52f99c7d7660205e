"""Tokens of an outside issuer, with real keys of every algorithm that is taken."""

import json
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TypeAlias

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.db import connection

from accounts import issuer_keys
from accounts.models import RevokedToken, Session, User
from notifications.logouts.messages import hear
from tests.clients import Client
from tests.factories import make_user, tier

pytestmark = pytest.mark.django_db

ISSUER, AUDIENCE = "https://issuer.example", "tintype"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
KEYS: dict[str, PrivateKey] = {
    "RS256": RSA_KEY,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(key):
    form, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(form, kind).decode()


@pytest.fixture(autouse=True)
def _issuer(settings):
    tier("Premium")
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = ISSUER, AUDIENCE
    settings.JWT_PUBLIC_KEY = pem(KEYS["RS256"])
    settings.JWT_JWKS_URL = ""


def token(algorithm="RS256", headers=None, key=None, **claims):
    given = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "person-7", "jti": uuid.uuid4().hex,
        "preferred_username": "ada", "name": "Ada L.",
        "exp": datetime.now(UTC) + timedelta(hours=1), **claims,
    }  # fmt: skip
    kept = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(kept, key or KEYS[algorithm], algorithm, headers)


def who(text):
    response = Client(headers={"Authorization": f"Bearer {text}"}).get("/auth/currentUser")
    return response.json() if response.status_code == 200 else response.status_code


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_a_token_of_the_issuer_is_taken_and_makes_its_account_once(settings, algorithm):
    settings.JWT_PUBLIC_KEY = pem(KEYS[algorithm])
    first, second = who(token(algorithm)), who(token(algorithm))
    assert first == second
    assert (first["login"], first["name"], first["roles"]) == ("ada", "Ada L.", ["user"])
    assert User.objects.get().tier.name == "Premium"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"}, {"aud": "another"}, {"sub": None}, {"exp": None},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)}, {"key": KEYS["ES256"], "algorithm": "ES256"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    ],
)  # fmt: skip
def test_any_other_token_is_refused(change):
    assert who(token(**change)) == 401
    assert not User.objects.exists()


def forged(algorithm, secret):
    """A token signed by HMAC with what everybody may know; PyJWT itself refuses to write it."""
    import base64
    import hashlib
    import hmac

    claims = jwt.decode(token(), options={"verify_signature": False})

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part({"alg": algorithm, "typ": "JWT"}) + b"." + part(claims)
    mark = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return (signed + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "none"])
def test_the_public_key_is_no_secret_to_sign_with(algorithm):
    assert who(forged(algorithm, pem(KEYS["RS256"]))) == 401


def test_a_local_login_is_not_taken_over():
    local = make_user("ada")
    outside_ada = who(token())
    assert outside_ada["id"] != str(local.pk)
    assert outside_ada["login"].startswith("ada-")


@pytest.mark.parametrize("form", ["bearer {token}", "{token}", "{jti}"])
@pytest.mark.parametrize("seen", [True, False])
def test_a_fan_out_message_ends_such_a_token_seen_or_not(form, seen):
    text = token(jti="the-id")
    if seen:
        assert who(text) != 401
    named = form.format(token=text, jti="the-id")
    hear(json.dumps({"type": "logout", "message": named}).encode())
    assert who(text) == 401
    assert RevokedToken.objects.exists() is not seen
    assert who(token()) != 401


def test_a_token_without_id_has_a_session_of_its_own():
    text = token(jti=None)
    assert who(text) != 401
    assert who(text) != 401
    assert Session.objects.count() == 1
    hear(json.dumps({"type": "logout", "message": f"Bearer {text}"}).encode())
    assert who(text) == 401


@pytest.mark.parametrize("login", ["\ufdfa" * 4, "\ufb03" * 64, "\u00bd" * 64])
def test_a_login_whose_normal_form_is_longer_is_cut_to_what_is_stored(login):
    made = who(token(preferred_username=login, name="Ada\ud800\0 L."))
    assert len(made["login"]) <= 64
    User.objects.get(username=made["login"]).full_clean(exclude=["password"])
    assert made["name"] == "Ada L."


def test_without_an_issuer_no_such_token_is_taken(settings):
    settings.JWT_ISSUER = ""
    assert who(token()) == 401


@pytest.mark.parametrize("seen", [True, False])
def test_a_token_without_id_does_not_come_back_in_another_spelling(seen):
    text = token(jti=None)
    if seen:
        assert who(text) != 401
    hear(json.dumps({"type": "logout", "message": f"bearer {text}"}).encode())
    assert who(f"{text}==") == 401


@pytest.mark.parametrize(
    "change", [{"exp": 10**18}, {"sub": "\ud800"}, {"jti": "\ud800"}, {"exp": 1e300}]
)
def test_a_signed_token_that_no_row_could_hold_is_refused(change):
    assert who(token(**change)) == 401


class OtherHalf:
    """Lets the other side run to its end, on a connection of its own, at one point of ours.

    The point is the first query of a table; no transaction is open there.
    """

    def __init__(self, table, work):
        self.table = table
        self.work: Callable[[], object] | None = work

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        if self.work and sql.startswith("SELECT") and f'FROM "{self.table}"' in sql:
            work, self.work = self.work, None
            thread = threading.Thread(target=self._run, args=[work])
            thread.start()
            thread.join()
        return result

    def _run(self, work):
        work()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_logout_heard_while_a_token_is_first_seen_ends_its_session():
    text = token(jti="the-id")
    message = json.dumps({"type": "logout", "message": "the-id"}).encode()
    other = OtherHalf("accounts_revokedtoken", lambda: hear(message))
    with connection.execute_wrapper(other):
        assert who(text) == 401
    assert other.work is None
    assert who(text) == 401
    assert not Session.objects.live().exists()


@pytest.mark.django_db(transaction=True)
def test_a_token_first_seen_while_its_logout_is_heard_has_its_session_ended():
    text, seen = token(jti="the-id"), []
    other = OtherHalf("accounts_session", lambda: seen.append(who(text)))
    with connection.execute_wrapper(other):
        hear(json.dumps({"type": "logout", "message": f"bearer {text}"}).encode())
    assert seen[0]["login"] == "ada"
    assert who(text) == 401
    assert not Session.objects.live().exists()


class Keys:
    """A real JWKS server, which counts how often it is asked."""

    def __init__(self):
        self.asked, self.status, self.published = 0, 200, ["one"]
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key()))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                body = json.dumps(
                    {"keys": [{**key, "kid": kid, "use": "sig", "alg": "RS256"}
                              for kid in outer.published]}
                ).encode()  # fmt: skip
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def keys(settings):
    made = Keys()
    settings.JWT_PUBLIC_KEY, settings.JWT_JWKS_URL = "", made.url
    issuer_keys._keys.cache_clear()
    yield made
    made.stop()


def test_keys_are_asked_for_once_and_known_ones_outlive_their_server(keys):
    signed = {"kid": "one"}
    assert who(token(headers=signed)) != 401
    assert who(token(headers=signed)) != 401
    assert keys.asked == 1
    keys.stop()
    assert who(token(headers=signed)) != 401


@pytest.fixture
def forgetful(monkeypatch):
    """Keys are asked for again at once: their lifespan is over when it begins."""
    monkeypatch.setattr(issuer_keys, "LIFESPAN", 1e-9)


def test_a_key_that_the_issuer_withdrew_is_refused(forgetful, keys):
    signed = {"kid": "one"}
    assert who(token(headers=signed)) != 401
    keys.published = ["two"]
    assert who(token(headers=signed)) == 401
    assert who(token(headers={"kid": "two"})) != 401


@pytest.mark.parametrize("status", [503, 404])
def test_known_keys_outlive_their_lifespan_while_the_issuer_is_away(forgetful, keys, status):
    signed = {"kid": "one"}
    assert who(token(headers=signed)) != 401
    keys.status = status
    assert [who(token(headers=signed)) == 401 for _ in range(5)] == [False] * 5
    keys.stop()
    assert who(token(headers=signed)) != 401
    assert keys.asked == 2


def test_an_issuer_that_was_never_reached_is_not_asked_at_each_request(keys):
    keys.status = 503
    for _ in range(5):
        assert who(token(headers={"kid": "one"})) == 401
    assert keys.asked == 1


def test_an_unknown_key_is_not_asked_for_again_and_again(keys):
    for _ in range(5):
        assert who(token(headers={"kid": "two"})) == 401
    assert keys.asked <= 2
