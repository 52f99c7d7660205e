"""What people do with their accounts."""

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts.exceptions import BadCredentials
from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.signals import tier_changed
from tiers.models import Tier


def verify_credentials(*, login: str, password: str, origin: RequestOrigin) -> User:
    """Return the account that login and password name.

    Raise BadCredentials, the same for an unknown login, a wrong password and a disabled account.
    Raise TooManyAttempts before any password is hashed.
    """
    user = authenticate(username=login, password=password, origin=origin)
    if not isinstance(user, User):
        raise BadCredentials
    return user


def sign_out(session: Session, *, authorization: str = "") -> None:
    """End one session; do nothing when it has ended already.

    See `accounts.request_authentication.Authentication` for `authorization`.
    """
    Session.objects.filter(pk=session.pk).end(authorization=authorization)


def change_password(
    user: User, *, current: str, new: str, origin: RequestOrigin, except_session: Session
) -> None:
    """Replace one's own password and end every session except `except_session`.

    Raise BadCredentials for a wrong current password, TooManyAttempts after too many of them, and
    ValidationError with the policy's reasons.
    """
    verify_credentials(login=user.username, password=current, origin=origin)
    set_password(user, new, except_session=except_session)


def set_password(user: User, password: str, *, except_session: Session | None = None) -> None:
    """Set a password and end every session except `except_session`.

    Raise ValidationError with the policy's reasons.
    """
    validate_password(password, user)
    user.set_password(password, except_session=except_session)
    user.save(update_fields=["password"])


@transaction.atomic
def move_to_tier(user: User, tier: Tier) -> None:
    """Give an account another tier and send `tier_changed`, so that its thumbnails follow."""
    user.tier = tier
    user.save(update_fields=["tier"])
    tier_changed.send(sender=User, user=user)


@transaction.atomic
def delete_account(user: User) -> None:
    """Delete an account with all it owns; its sessions end first, so that peers are told."""
    Session.objects.of(user).end()
    user.delete()


@transaction.atomic
def disable(user: User) -> None:
    """Close an account and end its sessions; idempotent."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    Session.objects.of(user).end()
