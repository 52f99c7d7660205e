"""Forgotten passwords: links that set another one, sent by mail or made by staff.

A link holds Django's token, which is good until the password changes, PASSWORD_RESET_TIMEOUT is
over, or staff revoke it.
"""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import F

from accounts.exceptions import BadCredentials, BadLink, NoMail
from accounts.hashing_queue import Trust, hash_as
from accounts.mail import enqueue_mail
from accounts.models import Mail, User
from accounts.one_time_links import find_user_to_reset, reset_url
from accounts.request_origin import RequestOrigin
from accounts.security_log import record_event
from accounts.throttling import (
    NEW_PASSWORDS_PER_ADDRESS,
    RESETS_PER_ADDRESS,
    RESETS_PER_MAILBOX,
    enforce_limits,
    throttling_key,
)


def ask_for_reset(*, address: str, origin: RequestOrigin) -> None:
    """Let a link be sent to an address, if an account has verified it.

    Nothing here tells whether one has, not even by its time: the worker looks. Raise NoMail and
    TooManyAttempts.
    """
    if not settings.EMAIL_URL:
        raise NoMail
    enforce_limits(
        (RESETS_PER_ADDRESS, throttling_key(origin)), (RESETS_PER_MAILBOX, address.lower())
    )
    enqueue_mail(Mail.Kind.RESET, address)


def make_reset_url(user: User) -> str:
    """Return a link for staff to give to somebody; recorded."""
    record_event("reset-link.made", user)
    return reset_url(user)


@transaction.atomic
def revoke_reset_urls(user: User) -> None:
    """End every link that resets an account's password, whoever made it; recorded."""
    User.objects.filter(pk=user.pk).update(reset_revocations=F("reset_revocations") + 1)
    record_event("reset-link.revoked", user)


def reset_password(*, token: str, new: str, origin: RequestOrigin) -> User:
    """Set another password and end every session.

    Raise BadLink, also where the link was used at the same moment, TooManyAttempts, and
    ValidationError with the policy's reasons.
    """
    enforce_limits((NEW_PASSWORDS_PER_ADDRESS, throttling_key(origin)))
    user = find_user_to_reset(token)
    validate_password(new, user)
    checked_hash = user.password
    with hash_as(Trust.CLEAN):
        user.set_password(new)
    try:
        with transaction.atomic():
            User.objects.lock_with_password(user.pk, checked_hash)
            user.save(update_fields=["password"])
            record_event("password.reset", user)
    except BadCredentials as used:
        raise BadLink from used
    return user
