"""A password is the same whatever form of Unicode the keyboard sent."""

import pytest
from django.contrib.auth.hashers import check_password, get_hasher, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.exceptions import BadCredentials
from accounts.hashers import OwaspArgon2Hasher
from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.services import verify_credentials
from accounts.sessions import open_bearer_session
from tests.clients import Client
from tests.factories import make_user, tier

pytestmark = pytest.mark.django_db

# "Müller & Söhne", with its dots as characters of their own, and with them within the letters.
DECOMPOSED = "Mu\u0308ller & So\u0308hne"
COMPOSED = "M\u00fcller & S\u00f6hne"
ORIGIN = RequestOrigin("192.0.2.1")


class CountingHasher(OwaspArgon2Hasher):
    """The real hasher, and how often it ran."""

    runs = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).runs += 1
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        type(self).runs += 1
        return super().verify(password, encoded)


@pytest.fixture
def hasher(settings: Settings) -> type[CountingHasher]:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    assert isinstance(get_hasher(), CountingHasher)
    CountingHasher.runs = 0
    return CountingHasher


def sign_in(login: str, password: str) -> User:
    return verify_credentials(login=login, password=password, origin=ORIGIN)


def runs_of(hasher: type[CountingHasher], login: str, password: str) -> int:
    """Return how often a sign-in that fails hashes."""
    hasher.runs = 0
    with pytest.raises(BadCredentials):
        sign_in(login, password)
    return hasher.runs


@pytest.mark.parametrize("chosen", [DECOMPOSED, COMPOSED])
@pytest.mark.parametrize("typed", [DECOMPOSED, COMPOSED])
def test_every_form_of_a_password_signs_in(chosen: str, typed: str) -> None:
    tier("Premium")
    body = {"name": "Jo", "login": "jo.mueller", "password": chosen}
    made = Client().post("/auth/signup", body, content_type="application/json")
    assert made.status_code == 200
    body = {"login": "jo.mueller", "password": typed}
    assert Client().post("/auth/signin", body, content_type="application/json").status_code == 200


def test_an_older_hash_of_the_raw_form_signs_in_once_and_is_hashed_anew(
    hasher: type[CountingHasher], alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(password=make_password(DECOMPOSED))
    alice.refresh_from_db()
    open_bearer_session(alice, ORIGIN)
    assert sign_in("alice", DECOMPOSED) == alice
    alice.refresh_from_db()
    assert check_password(COMPOSED, alice.password)
    assert Session.objects.live().count() == 1
    hasher.runs = 0
    assert sign_in("alice", DECOMPOSED) == sign_in("alice", COMPOSED) == alice
    assert hasher.runs == 2


def test_a_wrong_password_takes_one_hash_more_at_most_and_tells_no_login(
    hasher: type[CountingHasher],
) -> None:
    make_user("carol")
    make_user("dave").set_unusable_password()
    User.objects.filter(username="dave").update(password="!")
    for login in ("carol", "dave", "nobody"):
        assert runs_of(hasher, login, "plain and wrong") == 1
        assert runs_of(hasher, login, DECOMPOSED) == 2


@pytest.mark.parametrize(
    "password", ["\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44", "e\u0301" * 4, "u\u0308" * 7]
)
def test_the_policy_looks_at_the_form_that_is_hashed(password: str, settings: Settings) -> None:
    """Full width makes `password` no better, and accents apart make nothing longer."""
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "accounts.passwords.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
        {"NAME": "accounts.passwords.CommonPasswordValidator"},
    ]
    with pytest.raises(ValidationError):
        validate_password(password)
