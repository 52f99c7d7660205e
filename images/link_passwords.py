"""Passwords of links: hashed and throttled as those of accounts are."""

from django.contrib.auth.hashers import check_password, make_password

from accounts.passwords import normalize_password
from accounts.request_origin import RequestOrigin
from accounts.throttling import throttle_link_password
from images.models import Link


def hash_link_password(password: str) -> str:
    return make_password(normalize_password(password))


def verify_link_password(link: Link, password: str, origin: RequestOrigin) -> bool:
    """Return whether a password is the link's; raise TooManyAttempts and HashingBusy."""
    if not password:  # a button that was pressed too early is no guess, and counts as none
        return False
    with throttle_link_password(link.pk, origin) as attempt:
        attempt.succeeded = check_password(normalize_password(password), link.password)
    return attempt.succeeded
