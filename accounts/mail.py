"""Mails: put into a table in the transaction that makes them due, and sent by the worker.

A row is there until its mail was sent, so that neither a broker nor a mail server that is away
loses one. A worker that dies after sending and before the row is gone sends it twice.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.models import Mail, User
from accounts.one_time_links import reset_url, verification_url
from lib.after_commit import run_after_commit
from lib.background import background, background_task, enqueue_soon

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 12
# Doubled with each attempt: the last is some hours after the first.
FIRST_RETRY, MAX_RETRY = timedelta(seconds=30), timedelta(hours=1)


def enqueue_mail(kind: Mail.Kind, address: str, user: User | None = None) -> None:
    """Let a mail be sent once the transaction is committed, in the language of the request."""
    language = translation.get_language()
    Mail.objects.create(kind=kind, address=address, user=user, language=language)
    run_after_commit(enqueue_soon, send_due_mail)


def enqueue_mails(kind: Mail.Kind, users: Iterable[User]) -> None:
    """Let a mail go to those whose address is verified, where mail can be sent.

    Nobody's language is known: it is in all that there are.
    """
    if not settings.EMAIL_URL:
        return
    readers = [each for each in users if each.email and each.email_verified_at]
    language = settings.LANGUAGE_CODE
    Mail.objects.bulk_create(
        Mail(kind=kind, address=each.email, user=each, language=language) for each in readers
    )
    if readers:
        run_after_commit(enqueue_soon, send_due_mail)


@background_task("accounts.send_mail")
def send_due_mail() -> None:
    """Send what is due, each mail by one worker."""
    while not background.is_stopping and (mail := _claim()):
        _send(mail)


def _claim() -> Mail | None:
    """Return a mail that is due, whose next attempt is later by then; None where there is none."""
    now = timezone.now()
    for mail in Mail.objects.filter(due_at__lte=now).select_related("user").order_by("due_at")[:20]:
        due_at, mail.due_at = mail.due_at, now + min(FIRST_RETRY * 2**mail.attempts, MAX_RETRY)
        mail.attempts += 1
        mine = Mail.objects.filter(pk=mail.pk, due_at=due_at)
        if mine.update(due_at=mail.due_at, attempts=mail.attempts):
            return mail
    return None


def _send(mail: Mail) -> None:
    """Send a claimed mail, if it is still to be sent, and remove its row."""
    try:
        message = _compose(mail)
        if message:
            message.send()
    except (SMTPException, OSError) as error:
        if mail.attempts < MAX_ATTEMPTS:
            logger.warning("mail %d was not sent: %s", mail.pk, type(error).__name__)
            return
        logger.error("mail %d is given up: %s", mail.pk, type(error).__name__)
    mail.delete()


def _compose(mail: Mail) -> EmailMessage | None:
    user = mail.user or _user_to_reset(mail.address)
    if user is None or not user.is_active:
        return None
    if mail.kind == Mail.Kind.RESET:
        # To the address that was verified, not as somebody typed it.
        return _message(mail, user.email, user, reset_url(user))
    if mail.kind == Mail.Kind.MOVED:
        return _message(mail, mail.address, user)
    if mail.kind in {Mail.Kind.LESS, Mail.Kind.AS_IT_IS}:
        is_theirs = user.email == mail.address and user.email_verified_at
        return _message(mail, mail.address, user) if is_theirs else None
    if user.email != mail.address or user.email_verified_at:
        return None
    return _message(mail, mail.address, user, verification_url(user))


def _user_to_reset(address: str) -> User | None:
    """Return whose verified address it is; accounts of an external issuer have no password."""
    found = User.objects.with_email(address).exclude(email_verified_at=None).first()
    return found if found and found.has_usable_password() else None


def _message(mail: Mail, to: str, user: User, url: str = "") -> EmailMessage:
    with translation.override(mail.language):
        context = {"user": user, "url": url, "site": settings.PUBLIC_URL}
        text = render_to_string(f"mail/{mail.kind}.txt", context)
    subject, _, body = text.partition("\n")
    headers = {"Auto-Submitted": "auto-generated"}
    return EmailMessage(subject, body.lstrip(), to=[to], headers=headers)
