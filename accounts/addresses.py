"""Email addresses: whose an address is, and how that is shown.

Where mail can be sent, an address counts once its reader has opened the link that was sent to it:
until then it is nobody's alone, and resets no password. Where none can be sent, people are taken at
their word, and the address is theirs; but it resets no password when mail can be sent later.
"""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.exceptions import BadLink
from accounts.mail import enqueue_mail
from accounts.models import Mail, User
from accounts.one_time_links import find_user_to_verify
from accounts.security_log import record_event
from accounts.throttling import RESETS_PER_MAILBOX, enforce_limits


def refuse_taken_email(user: User) -> None:
    """Raise ValidationError where the account's email address is that of another.

    Where mail can be sent, it is that of whoever verified it.
    """
    others = User.objects.with_email(user.email).exclude(pk=user.pk)
    if settings.EMAIL_URL:
        others = others.exclude(email_verified_at=None)
    if others.exists():
        raise ValidationError(
            {"email": ValidationError("This email address is taken.", code="unique")}
        )


def mark_unverified(user: User) -> None:
    """Set what an address is that was given just now; the account is not saved."""
    user.email_verified_at = None
    user.email_counts = not settings.EMAIL_URL


def save_new_email(user: User) -> None:
    """Save an address that the account was given just now; its reader is asked to verify it.

    Raise TooManyAttempts as `ask_to_verify` does, after the address was saved.
    """
    mark_unverified(user)
    user.save(update_fields=["email", "email_counts", "email_verified_at"])
    ask_to_verify(user)


def ask_to_verify(user: User) -> None:
    """Send a mail to an address that is not verified, where mail can be sent.

    Raise TooManyAttempts for one mailbox too often.
    """
    if not (settings.EMAIL_URL and user.email) or user.email_verified_at:
        return
    enforce_limits((RESETS_PER_MAILBOX, f"verify {user.email.lower()}"))
    enqueue_mail(Mail.Kind.VERIFY, user.email, user)


def verify_email(token: str) -> User:
    """Let an address count; raise BadLink.

    It is taken from accounts that were believed to have it; an account that verified it keeps it.
    """
    user = find_user_to_verify(token)
    try:
        with transaction.atomic():
            others = User.objects.alias(lower_email=Lower("email")).exclude(pk=user.pk)
            believed = others.filter(lower_email=user.email.lower(), email_counts=True)
            believed.filter(email_verified_at=None).update(email_counts=False)
            same = User.objects.filter(pk=user.pk, email=user.email, email_verified_at=None)
            if not same.update(email_verified_at=timezone.now(), email_counts=True):
                raise BadLink
            record_event("email.verified", user)
    except IntegrityError as taken:
        raise BadLink from taken
    return user
