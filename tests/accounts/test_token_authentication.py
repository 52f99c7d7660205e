"""Whom a token lets in, by every scheme: its own account, while both are live."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.exceptions import BadCredentials, BadLink, BadToken
from accounts.models import Session, User
from accounts.one_time_links import (
    find_user_to_reset,
    find_user_to_verify,
    reset_url,
    verification_url,
)
from accounts.renewal import renew_cookies
from accounts.request_authentication import authenticate_request
from accounts.request_origin import RequestOrigin
from accounts.services import verify_credentials
from accounts.sessions import open_api_token_session, open_bearer_session, open_cookie_session
from accounts.token_authentication import authenticate_api_token, authenticate_jwt
from accounts.tokens import issue_jwt
from tests.accounts.issuer import external_token
from tests.clients import Client
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
ORIGIN = RequestOrigin()


def test_a_token_is_authenticated_with_one_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = open_bearer_session(alice, ORIGIN)
    api_token = open_api_token_session(alice, ORIGIN)
    with django_assert_num_queries(1):
        assert authenticate_jwt(token, "bearer").user.tier.name == "Enterprise"
    with django_assert_num_queries(1):
        assert authenticate_api_token(api_token).user.tier.name == "Enterprise"


# Makes the headers of a request that is signed in to an account of its own or the given one.
SCHEMES: dict[str, Callable[[User], dict[str, str]]] = {
    "bearer": lambda user: {"Authorization": f"Bearer {open_bearer_session(user, ORIGIN)}"},
    "bare": lambda user: {"Authorization": open_bearer_session(user, ORIGIN)},
    "token": lambda user: {"Authorization": f"Token {open_api_token_session(user, ORIGIN)}"},
    "access": lambda user: {"Cookie": f"access_token={open_cookie_session(user, ORIGIN).access}"},
    "refresh": lambda user: {
        "Cookie": f"refresh_token={open_cookie_session(user, ORIGIN).refresh}"
    },
    "external": lambda user: {"Authorization": f"Bearer {external_token()}"},
}
OURS = [scheme for scheme in SCHEMES if scheme != "external"]


def who_is(headers: dict[str, str]) -> User | None:
    """Return whom a request signs in to, None where it is refused or carries nothing valid."""
    try:
        found = authenticate_request(RequestFactory().get("/", headers=headers))
    except BadToken:
        return None
    return found.session.user if found else None


@pytest.mark.usefixtures("external_issuer")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_account_disabled_by_a_plain_update_is_refused_by_every_scheme(
    alice: User, bob: User, scheme: str
) -> None:
    """Not every release, command or hand that does so ends sessions too."""
    headers, of_bob = SCHEMES[scheme](alice), SCHEMES[scheme](bob)
    found = who_is(headers)
    assert found is not None
    User.objects.filter(pk=found.pk).update(is_active=False)
    assert who_is(headers) is None
    assert not Session.objects.of(found).live().exists()
    User.objects.filter(pk=found.pk).update(is_active=True)
    assert who_is(headers) == found
    # Of an external issuer both tokens are of one subject.
    assert who_is(of_bob) == (bob if scheme != "external" else found)


@pytest.mark.usefixtures("external_issuer")
@pytest.mark.parametrize("change", [{"ended_at": timezone.now()}, {"expires_at": timezone.now()}])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_session_that_ended_or_expired_is_refused_by_every_scheme(
    alice: User, scheme: str, change: dict[str, object]
) -> None:
    headers = SCHEMES[scheme](alice)
    assert who_is(headers) is not None
    Session.objects.update(**change)
    assert who_is(headers) is None


@pytest.mark.parametrize("scheme", OURS)
def test_a_session_that_is_forgotten_is_refused_by_every_scheme_of_ours(
    alice: User, bob: User, scheme: str
) -> None:
    """Its row was purged; that of another is there."""
    headers, of_bob = SCHEMES[scheme](alice), SCHEMES[scheme](bob)
    Session.objects.of(alice).delete()
    assert (who_is(headers), who_is(of_bob)) == (None, bob)


@pytest.mark.parametrize("scheme", OURS)
def test_the_rights_of_staff_rest_by_every_scheme_where_a_code_is_required(
    staff: User, settings: Settings, scheme: str
) -> None:
    headers = SCHEMES[scheme](staff)
    for required, is_staff in (("off", True), ("required", False)):
        settings.STAFF_SECOND_FACTOR = required
        found = who_is(headers)
        assert found == staff
        assert found.is_staff is is_staff


def test_a_disabled_account_signs_in_nowhere(alice: User, bob: User) -> None:
    reset, verify = (url(alice).rsplit("/", 2)[1] for url in (reset_url, verification_url))
    assert find_user_to_reset(reset) == find_user_to_verify(verify) == alice
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(BadCredentials):
        verify_credentials(login="alice", password=PASSWORD, origin=ORIGIN)
    with pytest.raises(BadLink):
        find_user_to_reset(reset)
    with pytest.raises(BadLink):
        find_user_to_verify(verify)
    # The password was checked before the account was closed.
    for open_session in (open_bearer_session, open_api_token_session, open_cookie_session):
        with pytest.raises(BadCredentials):
            open_session(alice, ORIGIN)
    assert verify_credentials(login="bob", password=PASSWORD, origin=ORIGIN) == bob


def test_a_token_of_one_account_opens_no_session_of_another(alice: User, bob: User) -> None:
    open_bearer_session(bob, ORIGIN)
    theirs = Session.objects.get(user=bob)
    mixed = Session(pk=theirs.pk, user_id=alice.pk)
    with pytest.raises(BadToken, match="belongs to another account"):
        authenticate_jwt(issue_jwt(mixed, "bearer", timedelta(hours=1)), "bearer")


@pytest.mark.usefixtures("external_issuer")
@pytest.mark.parametrize("token", ["\ud800", "\ud800.a.b", "a.b.\udfff", f"{'0' * 40}\ud800"])
def test_half_a_surrogate_pair_is_no_token(token: str) -> None:
    """The JSON in which a socket gives its token can escape one."""
    for authenticate in (authenticate_api_token, lambda text: authenticate_jwt(text, "bearer")):
        with pytest.raises(BadToken):
            authenticate(token)
    for scheme in ("Bearer", "Token"):
        request = RequestFactory().get("/")
        request.META["HTTP_AUTHORIZATION"] = f"{scheme} {token}"
        with pytest.raises(BadToken):
            authenticate_request(request)


def test_a_refresh_token_lets_nobody_in_as_an_access_token(alice: User) -> None:
    pair = open_cookie_session(alice, ORIGIN)
    with pytest.raises(BadToken):
        authenticate_jwt(pair.refresh, "bearer", "access")
    with pytest.raises(BadToken):
        renew_cookies(pair.access)


def test_a_disabled_account_leaves_the_admin(admin_client: Client, staff: User) -> None:
    assert admin_client.get("/admin/").status_code == 200
    User.objects.filter(pk=staff.pk).update(is_active=False)
    assert admin_client.get("/admin/").status_code == 302
