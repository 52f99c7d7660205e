"""Cookies that renew themselves once, and a stolen refresh token that ends the session."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.renewal import GRACE, renew, sign_in_by_cookies
from accounts.request_origin import Client
from accounts.requests import ACCESS_COOKIE, REFRESH_COOKIE
from accounts.sessions import open_cookies
from tests.clients import Client as Browser

pytestmark = pytest.mark.django_db


def test_a_live_access_cookie_renews_nothing(alice):
    pair = open_cookies(alice, Client())
    found = sign_in_by_cookies(pair.access, pair.refresh)
    assert (found.session.user, found.renewed) == (alice, None)


def test_an_expired_access_cookie_is_renewed_by_the_refresh_cookie(alice, settings):
    settings.COOKIE_ACCESS_LIFETIME = timedelta(seconds=-1)
    pair = open_cookies(alice, Client())
    settings.COOKIE_ACCESS_LIFETIME = timedelta(hours=1)
    found = sign_in_by_cookies(pair.access, pair.refresh)
    assert found.renewed is not None
    assert sign_in_by_cookies(found.renewed.access, "").session == found.session


def test_parallel_requests_with_one_refresh_token_all_pass_and_one_renews(alice):
    refresh = open_cookies(alice, Client()).refresh
    found = [renew(refresh) for _ in range(3)]
    assert [each.renewed is not None for each in found] == [True, False, False]


def test_a_refresh_token_used_again_later_ends_the_session(alice):
    refresh = open_cookies(alice, Client()).refresh
    renewed = renew(refresh).renewed
    assert renewed is not None
    Session.objects.update(replaced_at=timezone.now() - GRACE - timedelta(seconds=1))
    with pytest.raises(BadToken):
        renew(refresh)
    with pytest.raises(BadToken):
        renew(renewed.refresh)


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_refused_write_by_another_site_leaves_the_refresh_cookie_as_it_was(alice, settings, site):
    settings.COOKIE_ACCESS_LIFETIME = timedelta(seconds=-1)
    pair = open_cookies(alice, Client())
    settings.COOKIE_ACCESS_LIFETIME = timedelta(hours=1)
    browser = Browser()
    browser.cookies[ACCESS_COOKIE], browser.cookies[REFRESH_COOKIE] = pair.access, pair.refresh
    refused = browser.patch("/api/user/images/1/", headers={"Sec-Fetch-Site": site})
    assert (refused.status_code, list(refused.cookies)) == (403, [])
    Session.objects.update(replaced_at=timezone.now() - GRACE - timedelta(seconds=1))
    answer = browser.get("/api/user/images/")
    assert (answer.status_code, set(answer.cookies)) == (200, {ACCESS_COOKIE, REFRESH_COOKIE})


def test_a_thief_who_renews_just_before_the_browser_is_found_out(alice):
    pair = open_cookies(alice, Client())
    renew(pair.refresh)
    browsers = renew(pair.refresh).renewed or pair
    Session.objects.update(replaced_at=timezone.now() - GRACE - timedelta(seconds=1))
    with pytest.raises(BadToken):
        renew(browsers.refresh)
    assert not Session.objects.live().exists()


def test_an_ended_session_renews_nothing(alice):
    pair = open_cookies(alice, Client())
    Session.objects.of(alice).end()
    with pytest.raises(BadToken):
        sign_in_by_cookies(pair.access, pair.refresh)
