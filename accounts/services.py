"""What people do with their accounts."""

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest

from accounts.exceptions import BadCredentials
from accounts.models import Session, User
from accounts.signals import tier_changed
from tiers.models import Tier


def identify(request: HttpRequest, *, login: str, password: str) -> User:
    """Return the account that login and password name.

    Raises BadCredentials, the same for an unknown login, a wrong password and a disabled account;
    TooManyAttempts before any hash. `request` tells the throttle who is calling.
    """
    user = authenticate(request, username=login, password=password)
    if not isinstance(user, User):
        raise BadCredentials
    return user


def sign_out(session: Session, *, token: str = "") -> None:
    """End one session; harmless when it has ended already."""
    Session.objects.filter(pk=session.pk).end(token=token)


def change_password(
    request: HttpRequest, user: User, *, current: str, new: str, except_session: Session
) -> None:
    """Replace one's own password, ending every session except `except_session`.

    Raises BadCredentials for a wrong current one, TooManyAttempts after too many of them, and
    ValidationError with the policy's reasons.
    """
    identify(request, login=user.username, password=current)
    set_password(user, new, except_session=except_session)


def set_password(user: User, password: str, *, except_session: Session | None = None) -> None:
    """Set a password that the policy accepts and end every session except `except_session`.

    Raises ValidationError with the policy's reasons.
    """
    validate_password(password, user)
    user.set_password(password, except_session=except_session)
    user.save(update_fields=["password"])


@transaction.atomic
def move_to_tier(user: User, tier: Tier) -> None:
    """Give an account another tier; tells of it, so that its thumbnails follow."""
    user.tier = tier
    user.save(update_fields=["tier"])
    tier_changed.send(sender=User, user=user)


@transaction.atomic
def delete_account(user: User) -> None:
    """Remove an account with all it owns; its sessions end first, so that others hear of it."""
    Session.objects.of(user).end()
    user.delete()


@transaction.atomic
def disable(user: User) -> None:
    """Close an account and end its sessions; repeats harmlessly."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    Session.objects.of(user).end()
