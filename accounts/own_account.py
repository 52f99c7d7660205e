"""What people change of their own account; dangerous steps prove first who asks."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.addresses import ask_to_verify, refuse_taken_email, save_new_email
from accounts.exceptions import BadCredentials, BadToken, SignInTooOld
from accounts.mail import enqueue_mail
from accounts.models import Mail, Session, User
from accounts.request_origin import RequestOrigin
from accounts.security_log import record_event
from accounts.services import verify_credentials

# How long ago somebody without a password may have signed in at their issuer.
RECENT_SIGN_IN = timedelta(minutes=10)


def prove_identity(session: Session, *, password: str, origin: RequestOrigin) -> User:
    """Return the account of a session, once its password was checked as a sign-in checks it.

    Raise BadCredentials and TooManyAttempts. Where the account has no password (it signs in at an
    external issuer), raise SignInTooOld unless the session's token was issued a moment ago.
    """
    user = session.user
    if user.has_usable_password():
        if not password:  # what is left out is no guess, and counts as none
            raise BadCredentials
        return verify_credentials(login=user.username, password=password, origin=origin)
    is_recent = timezone.now() - session.created_at <= RECENT_SIGN_IN
    if session.scheme != Session.Scheme.EXTERNAL or not is_recent:
        raise SignInTooOld
    return user


def update_account(
    session: Session,
    *,
    origin: RequestOrigin,
    name: str | None = None,
    email: str | None = None,
    password: str = "",
) -> User:
    """Change name and email address, where given; return the account.

    The address that the account has already is sent another mail where it is not verified yet.
    Another one needs the password: raise what `prove_identity` raises, and ValidationError by
    field; the code `unique` means taken. Raise TooManyAttempts for one mail too many, and BadToken
    where the account was closed meanwhile.
    """
    user = session.user
    if email is not None and email != user.email:
        _change_email(session, email, password, origin)
        user.refresh_from_db(fields=["email"])
    elif email:
        ask_to_verify(user)
    if name is not None:
        user.name = name
        user.clean_fields(exclude=["password", "username_key", "email", "tier"])
        # An account that was closed meanwhile keeps no name, and may be gone.
        if not User.objects.filter(pk=user.pk, is_active=True).update(name=name):
            raise BadToken
    return user


def _change_email(session: Session, email: str, password: str, origin: RequestOrigin) -> None:
    user = prove_identity(session, password=password, origin=origin)
    former = user.email if user.email_verified_at else ""
    user.email = email
    user.clean_fields(exclude=["password", "username_key", "name", "tier"])
    refuse_taken_email(user)
    try:
        with transaction.atomic():
            User.objects.lock_with_password(user.pk, user.password)
            save_new_email(user)
            record_event("email.changed", user)
            if former:
                enqueue_mail(Mail.Kind.MOVED, former, user)
    except IntegrityError:
        refuse_taken_email(user)
        raise
