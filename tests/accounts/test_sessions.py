import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.exceptions import BadCredentials, BadToken, MissingScope, TooManyTokens
from accounts.models import Session, User
from accounts.renewal import renew_cookies
from accounts.request_origin import RequestOrigin
from accounts.scopes import Scope
from accounts.second_factor import spend_code
from accounts.sessions import (
    MAX_ISSUED_JWTS,
    PEER_CACHE_LIFETIME,
    RECORD_USE_INTERVAL,
    make_named_token,
    open_api_token_session,
    open_bearer_session,
    open_cookie_session,
    record_origin,
    record_use,
    record_use_of_all,
    remake_jwts,
)
from accounts.signals import session_opened
from accounts.token_authentication import authenticate_api_token, authenticate_jwt
from tests.factories import replace_password
from tests.second_factors import give_factor, next_code
from tests.signals import recorded

pytestmark = pytest.mark.django_db


def test_an_api_token_is_stored_only_as_a_hash(alice: User) -> None:
    token = open_api_token_session(alice, RequestOrigin())
    stored = Session.objects.values().get()
    assert re.fullmatch("[0-9a-f]{40}", token)
    assert token not in str(stored)
    assert authenticate_api_token(token).user == alice


def test_a_session_records_where_it_was_opened_from(alice: User) -> None:
    open_api_token_session(alice, RequestOrigin("192.0.2.7", "curl/8"))
    session = Session.objects.get()
    assert (session.address, session.agent) == ("192.0.2.7", "curl/8")


def test_a_sign_in_tells_whether_its_device_is_new_and_a_token_of_a_program_never_does(
    alice: User,
) -> None:
    with recorded(session_opened) as sent:
        open_bearer_session(alice, RequestOrigin("192.0.2.7", "Firefox"))
        open_api_token_session(alice, RequestOrigin("198.51.100.7", "curl/8"))
    assert [each["is_new_device"] for each in sent] == [True, False]


def test_a_browsers_session_says_when_a_code_was_given_and_no_other_does(staff: User) -> None:
    give_factor(staff)
    open_cookie_session(staff, RequestOrigin())
    began = timezone.now()
    open_cookie_session(staff, RequestOrigin(), spend_code(staff, next_code(staff)))
    without, with_code = Session.objects.of(staff).order_by("created_at")
    assert without.second_factor_at is None
    assert with_code.second_factor_at is not None
    assert began <= with_code.second_factor_at <= timezone.now()


def test_a_session_that_has_not_ended_gives_away_no_token(alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with pytest.raises(ValueError, match="has not ended"):
        remake_jwts(Session.objects.get())
    Session.objects.of(alice).end()
    assert remake_jwts(Session.objects.get()) == [token]


def test_of_a_session_that_has_ended_the_tokens_are_made_anew_whose_key_is_kept(
    alice: User, settings: Settings
) -> None:
    first, pair = settings.SECRET_KEY, open_cookie_session(alice, RequestOrigin())
    settings.SECRET_KEY_FALLBACKS = [first]
    settings.SECRET_KEY = "the next key, which is long enough"
    [access] = renew(pair.refresh)
    Session.objects.of(alice).end()
    ended = Session.objects.get()
    assert remake_jwts(ended) == [pair.access, access]
    settings.SECRET_KEY_FALLBACKS = []
    assert remake_jwts(ended) == [access]


def renew(refresh: str, times: int = 1) -> list[str]:
    """Renew by each refresh token in turn; return the access tokens that came."""
    accesses = []
    for _ in range(times):
        pair = renew_cookies(refresh).renewed_cookies
        assert pair is not None
        accesses.append(pair.access)
        refresh = pair.refresh
    return accesses


def age_jwts(by: timedelta) -> None:
    """Let time pass for the access tokens of the one session."""
    session = Session.objects.get()
    assert session.issued_jwts is not None
    for issued in session.issued_jwts:
        issued["iat"] -= int(by.total_seconds())
        issued["exp"] -= int(by.total_seconds())
    session.save()


def kept_jwts() -> list[Any]:
    return list(Session.objects.get().issued_jwts or [])


def test_renewing_without_end_issues_no_second_access_token_before_half_of_its_life(
    alice: User, settings: Settings
) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    assert set(renew(pair.refresh, times=20)) == {pair.access}
    assert len(kept_jwts()) == 1


def test_an_access_token_is_kept_until_peers_have_forgotten_it(
    alice: User, settings: Settings
) -> None:
    refresh = open_cookie_session(alice, RequestOrigin()).refresh
    step = settings.COOKIE_ACCESS_LIFETIME / 2 + timedelta(minutes=1)
    for _ in range(8):
        age_jwts(step)
        pair = renew_cookies(refresh).renewed_cookies
        assert pair is not None
        refresh = pair.refresh
        forgotten = (timezone.now() - PEER_CACHE_LIFETIME).timestamp()
        assert all(issued["exp"] > forgotten for issued in kept_jwts())
    assert len(kept_jwts()) == 4


def test_what_is_kept_is_bounded_even_when_keys_change_without_end(
    alice: User, settings: Settings
) -> None:
    refresh = open_cookie_session(alice, RequestOrigin()).refresh
    for number in range(2 * MAX_ISSUED_JWTS):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = f"key {number} of a test, as long as it must be"
        pair = renew_cookies(refresh).renewed_cookies
        assert pair is not None
        refresh = pair.refresh
    assert len(kept_jwts()) == MAX_ISSUED_JWTS


def test_keeping_what_jwts_are_made_of_needs_no_query(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # The account, locked, the row and its entry in the security log, within a savepoint.
    with django_assert_num_queries(5):
        open_bearer_session(alice, RequestOrigin())
    with django_assert_num_queries(5):
        pair = open_cookie_session(alice, RequestOrigin())
    with django_assert_num_queries(4):  # the session, and its row within a savepoint
        renew_cookies(pair.refresh)
    with django_assert_num_queries(5):  # the rows, their change and its entry, in a savepoint
        Session.objects.of(alice).end()


def record_use_of_one(session: Session) -> None:
    record_use_of_all([session.pk])


@pytest.mark.parametrize("record", [record_use, record_use_of_one])
def test_last_use_moves_one_row_after_five_minutes(
    alice: User, record: Callable[[Session], None]
) -> None:
    """The other is of the same account, and as old."""
    for _ in range(2):
        open_bearer_session(alice, RequestOrigin())
    one, other = Session.objects.order_by("created_at")
    for age, is_recorded in (
        (RECORD_USE_INTERVAL - timedelta(seconds=20), False),
        (RECORD_USE_INTERVAL + timedelta(seconds=20), True),
    ):
        then = timezone.now() - age
        Session.objects.update(last_used_at=then)
        record(Session.objects.get(pk=one.pk))
        used = Session.objects.get(pk=one.pk).last_used_at
        assert (used > then) is is_recorded
        assert timezone.now() - used < (timedelta(seconds=20) if is_recorded else 2 * age)
        assert Session.objects.get(pk=other.pk).last_used_at == then


def test_a_request_records_that_its_session_is_in_use(alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    key = open_api_token_session(alice, RequestOrigin())
    long_ago = timezone.now() - timedelta(days=1)
    ways = [partial(authenticate_jwt, token, "bearer"), partial(authenticate_api_token, key)]
    for authenticate in ways:
        Session.objects.update(last_used_at=long_ago)
        used = authenticate()
        moved = Session.objects.filter(last_used_at__gt=long_ago)
        assert list(moved) == [used]


def test_the_origin_of_one_session_is_recorded_where_none_was(alice: User) -> None:
    for address in (None, None, "192.0.2.1"):
        open_bearer_session(alice, RequestOrigin(address))
    unknown, other, known = Session.objects.order_by("created_at")
    for each in (unknown, known):
        record_origin(each, RequestOrigin("198.51.100.7", "curl/8"))
    rows = Session.objects.order_by("created_at").values_list("address", "agent")
    assert list(rows) == [("198.51.100.7", "curl/8"), (None, ""), ("192.0.2.1", "")]
    assert other.address is None


def test_where_a_session_was_opened_from_is_not_written_twice(alice: User) -> None:
    """Whichever of the two was known when it was opened."""
    open_bearer_session(alice, RequestOrigin(None, "curl/7"))
    record_origin(Session.objects.get(), RequestOrigin("198.51.100.7", "curl/8"))
    session = Session.objects.get()
    assert (session.address, session.agent) == (None, "curl/7")


def test_a_session_that_has_ended_is_in_use_no_more(alice: User) -> None:
    """A socket may say so a moment later."""
    for _ in range(2):
        open_bearer_session(alice, RequestOrigin())
    then = timezone.now() - timedelta(hours=1)
    Session.objects.update(last_used_at=then)
    ended, live = Session.objects.order_by("created_at")
    Session.objects.filter(pk=ended.pk).end()
    record_use_of_all([ended.pk, live.pk])
    assert [each.pk for each in Session.objects.filter(last_used_at__gt=then)] == [live.pk]


def test_an_account_that_changed_since_its_password_was_checked_opens_no_session(
    alice: User, bob: User
) -> None:
    before = Session.objects.count()
    replace_password(User.objects.get(pk=alice.pk), "another good one")
    for open_session in (open_bearer_session, open_api_token_session, open_cookie_session):
        with pytest.raises(BadCredentials):
            open_session(alice, RequestOrigin())
        open_session(bob, RequestOrigin())
    assert not Session.objects.of(alice).exists()
    assert Session.objects.count() == before + 3
    alice.refresh_from_db()
    bob.refresh_from_db()
    assert alice.last_login is None
    assert timezone.now() - (bob.last_login or timezone.now()) < timedelta(minutes=1)


def test_each_sign_in_of_a_browser_has_tokens_of_its_own(alice: User) -> None:
    pairs = [open_cookie_session(alice, RequestOrigin()) for _ in range(2)]
    assert len({token for pair in pairs for token in (pair.access, pair.refresh)}) == 4
    ids = set(Session.objects.values_list("refresh_jti", flat=True))
    assert (len(ids), "" in ids) == (2, False)


def lifetimes() -> dict[str, timedelta]:
    return {each.scheme: each.expires_at - each.created_at for each in Session.objects.all()}


def test_each_scheme_has_the_lifetime_of_its_setting(alice: User, settings: Settings) -> None:
    settings.BEARER_LIFETIME = timedelta(days=3)
    settings.API_TOKEN_LIFETIME = timedelta(days=5)
    settings.COOKIE_REFRESH_LIFETIME = timedelta(days=7)
    for open_session in (open_bearer_session, open_api_token_session, open_cookie_session):
        open_session(alice, RequestOrigin())
    found = {scheme: round(each / timedelta(days=1)) for scheme, each in lifetimes().items()}
    assert found == {"bearer": 3, "token": 5, "cookie": 7}


def test_a_token_that_a_session_makes_has_its_second_factor_and_its_origin(staff: User) -> None:
    origin = RequestOrigin("192.0.2.7", "curl/8")
    open_bearer_session(staff, RequestOrigin())
    given = timezone.now() - timedelta(hours=1)
    for factor in (None, given):
        Session.objects.filter(scheme="bearer").update(second_factor_at=factor)
        made, _ = make_named_token(
            Session.objects.get(scheme="bearer"),
            name="a backup",
            scopes=[Scope.READ],
            lifetime=timedelta(days=1),
            origin=origin,
        )
        row = Session.objects.get(pk=made.pk)
        assert row.second_factor_at == factor
        assert (row.address, row.agent, row.name) == ("192.0.2.7", "curl/8", "a backup")


def test_of_unnamed_tokens_only_ones_own_oldest_goes(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.sessions.MAX_UNNAMED_TOKENS", 2)
    open_bearer_session(alice, RequestOrigin())
    of_bob = open_api_token_session(bob, RequestOrigin())
    # Named ones are somewhere in use.
    session = Session.objects.get(user=alice)
    named = [make_token(session, Scope.READ)[1] for _ in range(2)]
    keys = [open_api_token_session(alice, RequestOrigin()) for _ in range(3)]
    with pytest.raises(BadToken):
        authenticate_api_token(keys[0])
    for key in (*keys[1:], *named):
        assert authenticate_api_token(key).user == alice
    assert authenticate_api_token(of_bob).user == bob
    assert Session.objects.of(alice).live().filter(scheme="bearer").count() == 1


def test_ending_sessions_ends_those_of_one_account_and_keeps_the_one_that_is_excepted(
    alice: User, bob: User
) -> None:
    for user in (alice, alice, bob):
        open_bearer_session(user, RequestOrigin())
    kept = Session.objects.of(alice).earliest("created_at")
    assert Session.objects.of(alice).end(except_session=kept) == 1
    assert {each.user for each in Session.objects.live()} == {alice, bob}
    assert list(Session.objects.of(alice).live()) == [kept]
    assert Session.objects.of(alice).end() == 1
    assert [each.user for each in Session.objects.live()] == [bob]


def make_token(session: Session, *scopes: Scope, name: str = "a backup") -> tuple[Session, str]:
    lifetime = timedelta(days=1)
    return make_named_token(
        session, name=name, scopes=scopes, lifetime=lifetime, origin=RequestOrigin()
    )


def test_a_named_token_signs_in_to_the_account_of_its_maker_with_its_scopes(
    alice: User, bob: User
) -> None:
    for user in (bob, alice):
        open_bearer_session(user, RequestOrigin())
    made, token = make_token(Session.objects.get(user=alice), Scope.UPLOAD, Scope.READ)
    assert re.fullmatch("[0-9a-f]{40}", token)
    found = authenticate_api_token(token)
    assert (found, found.user, found.name) == (made, alice, "a backup")
    assert found.granted_scopes == {Scope.READ, Scope.UPLOAD}
    assert abs(found.expires_at - timezone.now() - timedelta(days=1)) < timedelta(minutes=1)


def test_nobody_makes_a_token_with_scopes_that_their_own_lacks(alice: User) -> None:
    open_bearer_session(alice, RequestOrigin())
    first, _ = make_token(Session.objects.get(), Scope.READ, Scope.ACCOUNT)
    with pytest.raises(MissingScope, match="lacks the scope upload links"):
        make_token(first, Scope.READ, Scope.UPLOAD, Scope.LINKS)
    assert make_token(first, Scope.READ)[0].granted_scopes == {Scope.READ}


def test_a_session_that_has_ended_makes_no_token_though_others_live(alice: User) -> None:
    for _ in range(2):
        open_bearer_session(alice, RequestOrigin())
    ended = Session.objects.earliest("created_at")
    Session.objects.filter(pk=ended.pk).end()
    with pytest.raises(BadToken):
        make_token(ended, Scope.READ)
    assert Session.objects.filter(scheme="token").count() == 0


def test_named_tokens_are_limited_for_each_account_by_itself(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unnamed ones, ended ones and those of others do not count."""
    monkeypatch.setattr("accounts.sessions.MAX_NAMED_TOKENS", 2)
    for user in (alice, bob):
        open_bearer_session(user, RequestOrigin())
        open_api_token_session(user, RequestOrigin())
    of_alice, of_bob = (Session.objects.get(user=user, scheme="bearer") for user in (alice, bob))
    ended, _ = make_token(of_alice, Scope.READ)
    Session.objects.filter(pk=ended.pk).end()
    for _ in range(2):
        make_token(of_alice, Scope.READ)
    with pytest.raises(TooManyTokens):
        make_token(of_alice, Scope.READ)
    make_token(of_bob, Scope.READ)


def test_a_browsers_session_of_an_older_release_is_renewed(alice: User) -> None:
    """Its row does not say which tokens it issued."""
    pair = open_cookie_session(alice, RequestOrigin())
    Session.objects.update(issued_jwts=None)
    renewed = renew_cookies(pair.refresh).renewed_cookies
    assert renewed is not None
    assert authenticate_jwt(renewed.access, "access").user == alice
    assert len(kept_jwts()) == 1
