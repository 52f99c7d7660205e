from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.cookies import access_cookie, refresh_cookie
from accounts.exceptions import BadToken
from accounts.models import Session, User
from accounts.renewal import (
    REUSE_LEEWAY,
    _rotate_refresh_token,
    authenticate_cookies,
    renew_cookies,
)
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_cookie_session
from tests.clients import Client as Browser

pytestmark = pytest.mark.django_db


def test_a_live_access_cookie_renews_nothing(alice: User) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    found = authenticate_cookies([pair.access], [pair.refresh])
    assert (found.session.user, found.renewed_cookies) == (alice, None)


def test_an_expired_access_cookie_is_renewed_by_the_refresh_cookie(
    alice: User, settings: Settings
) -> None:
    settings.COOKIE_ACCESS_LIFETIME = timedelta(seconds=-1)
    pair = open_cookie_session(alice, RequestOrigin())
    settings.COOKIE_ACCESS_LIFETIME = timedelta(hours=1)
    found = authenticate_cookies([pair.access], [pair.refresh])
    assert found.renewed_cookies is not None
    # It is what the session is known by elsewhere, should this request end it.
    assert found.access == found.renewed_cookies.access
    assert authenticate_cookies([found.access], []).session == found.session


def test_of_parallel_requests_with_one_refresh_token_all_pass_and_one_renews(alice: User) -> None:
    refresh = open_cookie_session(alice, RequestOrigin()).refresh
    found = [renew_cookies(refresh) for _ in range(3)]
    assert [each.renewed_cookies is not None for each in found] == [True, False, False]


def test_a_refresh_token_used_again_later_ends_the_session(alice: User) -> None:
    refresh = open_cookie_session(alice, RequestOrigin()).refresh
    renewed = renew_cookies(refresh).renewed_cookies
    assert renewed is not None
    Session.objects.update(replaced_at=timezone.now() - REUSE_LEEWAY - timedelta(seconds=1))
    with pytest.raises(BadToken):
        renew_cookies(refresh)
    with pytest.raises(BadToken):
        renew_cookies(renewed.refresh)


def test_a_page_has_a_minute_for_the_requests_that_it_sends_at_once(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes later with the token that was replaced has stolen it."""
    now = timezone.now()
    refresh = open_cookie_session(alice, RequestOrigin()).refresh
    renewed = renew_cookies(refresh).renewed_cookies
    assert renewed is not None
    Session.objects.update(replaced_at=now)
    for seconds, is_let_in in ((60, True), (60.001, False)):
        monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=seconds))  # noqa: B023 (used in this turn)
        if is_let_in:
            assert renew_cookies(refresh).renewed_cookies is None
        else:
            with pytest.raises(BadToken):
                renew_cookies(refresh)
    assert not Session.objects.live().exists()


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_refused_write_by_another_site_renews_no_cookie(
    alice: User, settings: Settings, site: str
) -> None:
    settings.COOKIE_ACCESS_LIFETIME = timedelta(seconds=-1)
    pair = open_cookie_session(alice, RequestOrigin())
    settings.COOKIE_ACCESS_LIFETIME = timedelta(hours=1)
    browser = Browser()
    browser.cookies[access_cookie()], browser.cookies[refresh_cookie()] = pair.access, pair.refresh
    refused = browser.patch("/api/user/images/1/", headers={"Sec-Fetch-Site": site})
    assert (refused.status_code, list(refused.cookies)) == (403, [])
    Session.objects.update(replaced_at=timezone.now() - REUSE_LEEWAY - timedelta(seconds=1))
    response = browser.get("/api/user/images/")
    assert response.status_code == 200
    assert set(response.cookies) == {access_cookie(), refresh_cookie()}


def test_a_thief_who_renews_just_before_the_browser_is_detected(alice: User) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    renew_cookies(pair.refresh)
    of_browser = renew_cookies(pair.refresh).renewed_cookies or pair
    Session.objects.update(replaced_at=timezone.now() - REUSE_LEEWAY - timedelta(seconds=1))
    with pytest.raises(BadToken):
        renew_cookies(of_browser.refresh)
    assert not Session.objects.live().exists()


def test_an_ended_session_is_not_renewed(alice: User) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    Session.objects.of(alice).end()
    with pytest.raises(BadToken):
        authenticate_cookies([pair.access], [pair.refresh])


def test_a_renewed_session_lives_beyond_its_first_lifetime(
    alice: User, bob: User, settings: Settings
) -> None:
    lifetime = settings.COOKIE_REFRESH_LIFETIME
    of_bob = open_cookie_session(bob, RequestOrigin())
    pair = open_cookie_session(alice, RequestOrigin())
    first_end = timezone.now() + timedelta(minutes=5)
    Session.objects.update(expires_at=first_end)
    found = renew_cookies(pair.refresh)
    renewed = found.renewed_cookies
    assert renewed is not None
    session = Session.objects.get(pk=found.session.pk)
    assert timedelta(0) <= timezone.now() + lifetime - session.expires_at < timedelta(minutes=1)
    assert session.is_live(first_end + timedelta(minutes=1))
    # As if all that time had passed: the first end is over, the renewed one is not.
    for each in Session.objects.all():
        each.expires_at -= timedelta(minutes=10)
        each.save()
    assert renew_cookies(renewed.refresh).session.user == alice
    with pytest.raises(BadToken):
        renew_cookies(of_bob.refresh)


def test_renewing_one_session_renews_no_other(alice: User) -> None:
    pair, other = (open_cookie_session(alice, RequestOrigin()) for _ in range(2))
    before = {each["id"]: each for each in Session.objects.values()}
    renewed = renew_cookies(pair.refresh).session
    changed = [each for each in Session.objects.values() if each != before[each["id"]]]
    assert [each["id"] for each in changed] == [renewed.pk]
    assert renew_cookies(other.refresh).renewed_cookies is not None


def test_the_theft_of_one_sessions_token_ends_no_other(alice: User) -> None:
    pair, other = (open_cookie_session(alice, RequestOrigin()) for _ in range(2))
    renew_cookies(pair.refresh)
    Session.objects.update(replaced_at=timezone.now() - REUSE_LEEWAY - timedelta(seconds=1))
    with pytest.raises(BadToken):
        renew_cookies(pair.refresh)
    assert [each.user for each in Session.objects.live()] == [alice]
    assert renew_cookies(other.refresh).renewed_cookies is not None


def test_a_token_that_was_replaced_twice_is_stolen(alice: User) -> None:
    first = open_cookie_session(alice, RequestOrigin())
    second = renew_cookies(first.refresh).renewed_cookies
    assert second is not None
    assert renew_cookies(second.refresh).renewed_cookies is not None
    assert renew_cookies(second.refresh).renewed_cookies is None
    with pytest.raises(BadToken):
        renew_cookies(first.refresh)
    assert not Session.objects.live().exists()


def test_a_session_that_ends_while_it_is_renewed_gets_no_cookies(alice: User) -> None:
    open_cookie_session(alice, RequestOrigin())
    loaded = Session.objects.get()
    Session.objects.of(alice).end()
    assert _rotate_refresh_token(loaded) is None
    assert not Session.objects.live().exists()


def test_of_two_requests_that_loaded_a_session_before_either_renewed_it_one_renews(
    alice: User,
) -> None:
    open_cookie_session(alice, RequestOrigin())
    first, second = Session.objects.get(), Session.objects.get()
    renewed = _rotate_refresh_token(first)
    assert renewed is not None
    assert _rotate_refresh_token(second) is None
    assert renew_cookies(renewed.refresh).renewed_cookies is not None
